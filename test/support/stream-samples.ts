/** Real migration streams to make hostile ones of: ours, recorded at the source, and QEMU's, as captured. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { WireError } from '../../core/base/errors.js'
import { concatOctets, latin1Text } from '../../core/base/octets.js'
import { milliseconds, seconds } from '../../core/base/units.js'
import { CaptureIndex } from '../../core/capture/capture-index.js'
import { followStream } from '../../core/capture/follow-stream.js'
import { CaptureFileSource } from '../../core/capture/frame-source.js'
import type { RamBlockSize } from '../../core/migration/wire/qevm.js'
import { SilentObserver } from '../../core/migration/wire/stream-observer.js'
import { StreamReader } from '../../core/migration/wire/stream-reader.js'
import { MIGRATION_PORT } from '../../core/secure/channels.js'
import type { MigrationScenario } from '../../core/session/scenario.js'
import { readCapture } from './captures.js'
import { bootedSession } from './lab-session.js'
import type { Sample } from './mutate-octets.js'

export const SAMPLE_RAM_OCTETS = 2 ** 20

/** What a migration of a guest of 1 MiB writes. */
export function ownSamples(): Sample[] {
  const guest = { ramOctets: SAMPLE_RAM_OCTETS, fillOctets: 2 ** 17, workingSetPages: 32, dirtyPagesPerSecond: 8000 }
  const booted = bootedSession({ image: 'stress', guest, bandwidthBps: 1e8 }).keep()
  const ways: Readonly<Record<string, Partial<MigrationScenario>>> = {
    'pre-copy': {},
    'post-copy': { strategy: 'postcopy' },
    'hybrid with differences': { strategy: 'hybrid', postcopyAfterRounds: 3, xbzrle: true },
    compressed: { compression: 'zlib' },
  }
  return Object.entries(ways).map(([name, settings]) => {
    const session = booted.restore()
    session.world.guestDesk.evidence = { hashRam: false, recordStream: true }
    session.do({ kind: 'configure-migration', settings: { downtimeLimitNs: milliseconds(1), ...settings } })
    session.do({ kind: 'migrate' })
    session.runWhile(({ isMigrating }) => isMigrating, seconds(5))
    const octets = session.world.crossing!.recording!.recorded()
    return { name, octets, marks: marksOf(octets) }
  })
}

/** As much of it is taken as keeps a run short. */
const CAPTURED_OCTETS = 400_000

export function capturedSamples(): Sample[] {
  const file = gunzipSync(readFileSync(new URL('../fixtures/captures/a_plain.qevm.gz', import.meta.url)))
  const streams = {
    a_plain: new Uint8Array(file),
    a_xbzrle: capturedStream('a_xbzrle').there,
    a_postcopy: capturedStream('a_postcopy').there,
  }
  return Object.entries(streams).map(([name, whole]) => {
    const octets = whole.slice(0, CAPTURED_OCTETS)
    return { name, octets, marks: marksOf(octets) }
  })
}

/** The return path of QEMU's post-copy. */
export function capturedReturnPath(): Uint8Array {
  return capturedStream('a_postcopy').back
}

/** Both directions of the migration in a capture. */
export function capturedStream(name: string): { there: Uint8Array; back: Uint8Array } {
  const index = new CaptureIndex(new CaptureFileSource(readCapture(name)))
  index.update()
  for (let number = 0; number < index.streams.length; number++) {
    const { parts } = followStream(index, number, { octetsMax: 1 << 26 })!
    const of = (sender: 'client' | 'server'): Uint8Array =>
      concatOctets(parts.filter((part) => part.sender === sender).map(({ octets }) => octets))
    const there = of('client')
    if (latin1Text(there.subarray(0, 4)) === 'QEVM') return { there, back: of('server') }
  }
  throw new Error(`${name} holds no migration on port ${MIGRATION_PORT}`)
}

/** The RAM blocks that a stream announces. */
export function blocksOf(octets: Uint8Array): readonly RamBlockSize[] {
  return read(octets).blocks
}

/** Where items and records begin. */
function marksOf(octets: Uint8Array): number[] {
  return read(octets).marks
}

function read(octets: Uint8Array): Marks {
  const marks = new Marks()
  const reader = new StreamReader(marks, { unknownDevices: 'recover' })
  marks.reader = reader
  try {
    reader.push(octets)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
  }
  return marks
}

class Marks extends SilentObserver {
  reader: StreamReader | null = null
  blocks: readonly RamBlockSize[] = []
  readonly marks: number[] = [0]

  override memorySize(blocks: readonly RamBlockSize[]): void {
    this.blocks = blocks
    this.mark()
  }
  override sectionPart(): void {
    this.mark()
  }
  override sectionEnd(): void {
    this.mark()
  }
  override endOfRecords(): void {
    this.mark()
  }
  override xbzrlePage(): void {
    this.mark()
  }
  override command(): void {
    this.mark()
  }
  override packaged(): void {
    this.mark()
  }
  override endOfState(): void {
    this.mark()
  }
  override description(): void {
    this.mark()
  }
  private mark(): void {
    this.marks.push(this.reader?.octetsRead ?? 0)
  }
}
