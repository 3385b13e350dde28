// Wireshark or tshark, fed with a capture while it is made: pcapng into its standard input. Used by the desktop and by
// the command line.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

export type ViewerName = 'wireshark' | 'tshark'

/** Where installers put it when it is not on the PATH. */
const usualFolders: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ['/Applications/Wireshark.app/Contents/MacOS', '/opt/homebrew/bin', '/usr/local/bin'],
  win32: ['C:\\Program Files\\Wireshark'],
  linux: ['/usr/bin', '/usr/local/bin', '/snap/bin'],
}

/** The program's path, or undefined when it is not installed. */
export async function findViewer(
  name: ViewerName,
  { platform = process.platform, path = process.env.PATH ?? '' } = {},
): Promise<string | undefined> {
  const file = platform === 'win32' ? `${name}.exe` : name
  for (const folder of [...path.split(delimiter), ...(usualFolders[platform] ?? [])]) {
    if (folder === '') continue
    const candidate = join(folder, file)
    const isThere = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return candidate
  }
  return undefined
}

/** The migration port carries guest memory, in which protocols would be guessed that are not there. */
const decodeAs = ['-d', 'tcp.port==49152,data']

const viewerArguments: Readonly<Record<ViewerName, readonly string[]>> = {
  wireshark: ['-k', '-i', '-', ...decodeAs],
  tshark: ['-l', '-i', '-', ...decodeAs],
}

export class CaptureViewer {
  /** False once the program has ended: what is written then is lost. */
  isOpen = true
  private readonly closed: Promise<void>

  private constructor(private readonly child: ChildProcess) {
    this.closed = new Promise((resolve) => {
      const close = () => {
        this.isOpen = false
        resolve()
      }
      child.once('close', close)
      child.once('error', close)
      // A viewer that was closed while we write: no error of ours.
      child.stdin?.on('error', close)
    })
  }

  /** Rejects when the program cannot be started. Standard output and error are this process's own if `isShown`. */
  static async start(name: ViewerName, program: string, { isShown = false } = {}): Promise<CaptureViewer> {
    const output = isShown ? 'inherit' : 'ignore'
    const child = spawn(program, viewerArguments[name], { stdio: ['pipe', output, output] })
    await once(child, 'spawn')
    return new CaptureViewer(child)
  }

  /** Resolves when the viewer has taken it, so that a slow one slows the writer down. */
  async write(octets: Uint8Array): Promise<void> {
    const { stdin } = this.child
    if (!this.isOpen || stdin === null || octets.length === 0) return
    if (!stdin.write(octets)) await Promise.race([once(stdin, 'drain').catch(() => undefined), this.closed])
  }

  /** No more comes. Resolves when the viewer has ended, which for a window is when it is closed. */
  async end(): Promise<void> {
    this.child.stdin?.end()
    await this.closed
  }

  /** No more comes, and nobody waits for the viewer. */
  detach(): void {
    this.child.stdin?.end()
    this.child.unref()
  }
}
