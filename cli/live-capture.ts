// `--live`: a capture on its way into Wireshark or tshark while the session runs, or out of standard output.
import { once } from 'node:events'
import { InputError } from '../core/base/errors.js'
import type { Tap } from '../core/net/tap.js'
import { TapStream } from '../core/net/tap-stream.js'
import { CaptureViewer, findViewer } from '../electron/wireshark/capture-viewer.js'

/** What is handed over in one piece. */
const PIECE_OCTETS = 1024 * 1024

interface Target {
  readonly isOpen: boolean
  write(octets: Uint8Array): Promise<void>
  end(): Promise<void>
}

/** A capture that grows: of one tap or of several. */
interface CaptureStream {
  take(octetsMax: number): Uint8Array
  finish(): Uint8Array
}

export class LiveCapture {
  private constructor(
    private readonly stream: CaptureStream,
    private readonly target: Target,
  ) {}

  /** `where` is `wireshark`, `tshark` or `-` for standard output. Throws an InputError when that cannot be. */
  static async open(where: string, tap: Tap): Promise<LiveCapture> {
    return LiveCapture.of(where, new TapStream(tap))
  }

  /** As `open`, of any stream. */
  static async of(where: string, stream: CaptureStream): Promise<LiveCapture> {
    return new LiveCapture(stream, await targetOf(where))
  }

  /** Hand over what was captured since. */
  async pump(): Promise<void> {
    while (this.target.isOpen) {
      const octets = this.stream.take(PIECE_OCTETS)
      if (octets.length === 0) return
      await this.target.write(octets)
    }
  }

  /** Hand over the rest and wait until the viewer is done with it. */
  async end(): Promise<void> {
    await this.pump()
    await this.target.write(this.stream.finish())
    await this.target.end()
  }
}

async function targetOf(where: string): Promise<Target> {
  if (where === '-') return standardOutput()
  if (where !== 'wireshark' && where !== 'tshark')
    throw new InputError(`--live takes wireshark, tshark or - (standard output), not ${where}`)
  const program = await findViewer(where)
  if (program === undefined)
    throw new InputError(`${where} is not installed here: install it, or use --live - and pipe the capture elsewhere`)
  return CaptureViewer.start(where, program, { isShown: where === 'tshark' })
}

function standardOutput(): Target {
  return {
    isOpen: true,
    write: async (octets) => {
      if (!process.stdout.write(octets)) await once(process.stdout, 'drain')
    },
    end: () => Promise.resolve(),
  }
}
