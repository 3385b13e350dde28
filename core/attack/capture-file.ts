/** Analyse a file from outside: a capture (pcapng, pcap) or a bare migration stream, any of them also in gzip. */
import { Gunzip } from 'fflate'
import { InputError, WireError } from '../base/errors.js'
import { concatOctets, readU32be, readU32le } from '../base/octets.js'
import { QEMU_VM_FILE_MAGIC } from '../migration/wire/qevm.js'
import type { RamImage } from '../migration/wire/ram-image.js'
import type { AnalysisReport } from './analysis-report.js'
import { CaptureReader } from '../net/wire/capture-reader.js'
import { analyseBareStream } from './bare-stream.js'
import { CaptureAnalysis } from './capture-analysis.js'

export interface FileAnalysis {
  readonly report: AnalysisReport
  /** The memory that was rebuilt, a migration an entry. */
  readonly migrations: readonly RamImage[]
  /** The capture itself, inflated if it was in gzip; null for a bare stream. */
  readonly capture: Uint8Array | null
}

const GZIP_MAGIC = 0x1f8b
/** What a gzip file may grow to. */
const INFLATED_OCTETS_MAX = 2 * 1024 ** 3
const CHUNK_OCTETS = 65_536

/** Throws `InputError` saying what the file is instead, and what would do, if it is of no use. */
export function analyseFile(file: Uint8Array): FileAnalysis {
  if (file.length === 0) throw new InputError('the file is empty: a pcapng, pcap or migration stream is needed')
  const isGzip = file.length >= 2 && ((file[0]! << 8) | file[1]!) === GZIP_MAGIC
  const { octets, warnings } = isGzip ? inflate(file) : { octets: file, warnings: [] }
  const analysis = analyseOctets(octets)
  return { ...analysis, report: { ...analysis.report, warnings: [...warnings, ...analysis.report.warnings] } }
}

/** What can be inflated is used: a file that was cut gives its beginning. */
function inflate(file: Uint8Array): { octets: Uint8Array; warnings: string[] } {
  const parts: Uint8Array[] = []
  const warnings: string[] = []
  let total = 0
  let members = 0
  const gunzip = new Gunzip((part) => {
    total += part.length
    if (total > INFLATED_OCTETS_MAX) throw new InputError('inflates to more than 2 GiB: cut it into parts first')
    parts.push(part)
  })
  gunzip.onmember = () => void members++
  let isDamaged = false
  try {
    for (let at = 0; at < file.length; at += CHUNK_OCTETS)
      gunzip.push(file.subarray(at, at + CHUNK_OCTETS), at + CHUNK_OCTETS >= file.length)
    // ISIZE (RFC 1952 section 2.3.1) ends each member: what it inflates to, modulo 2^32.
    isDamaged = members <= 1 && readU32le(file, file.length - 4) !== total >>> 0
  } catch (error) {
    if (error instanceof InputError) throw error
    isDamaged = true
  }
  if (isDamaged) warnings.push(`the gzip file is damaged or cut: only ${total} octets inside could be read`)
  return { octets: concatOctets(parts), warnings }
}

function analyseOctets(octets: Uint8Array): FileAnalysis {
  const magic = octets.length >= 4 ? readU32be(octets, 0) : 0
  if (magic === QEMU_VM_FILE_MAGIC) {
    const { report, migration } = analyseBareStream(octets)
    return { report, migrations: [migration], capture: null }
  }
  let reader: CaptureReader
  try {
    reader = new CaptureReader(octets)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    throw new InputError(
      `is ${describeOther(octets, error)}: a pcapng or pcap capture or a QEMU migration stream is needed`,
    )
  }
  return { ...analyseCapture(reader), capture: octets }
}

function analyseCapture(reader: CaptureReader): Omit<FileAnalysis, 'capture'> {
  const analysis = new CaptureAnalysis()
  for (let packet = reader.next(); packet !== null; packet = reader.next()) {
    if (packet.octets.length < packet.originalOctets) analysis.countShortPacket()
    analysis.addFrame(packet.octets, packet.timeNs, packet.number, packet.linkType)
  }
  analysis.finish()
  const report = analysis.report(reader.format)
  const warnings = [...reader.warnings, ...report.warnings]
  return { report: { ...report, warnings }, migrations: analysis.migrations }
}

/** What a file that is of no use seems to be. */
function describeOther(octets: Uint8Array, error: WireError): string {
  if (octets.length === 0) return 'empty'
  const head = String.fromCharCode(...octets.subarray(0, 16))
  const known = (
    [
      ['\xff\xd8\xff', 'a JPEG picture'],
      ['\x89PNG', 'a PNG picture'],
      ['GIF8', 'a GIF picture'],
      ['%PDF', 'a PDF document'],
      ['PK\x03\x04', 'a ZIP archive: unpack it first'],
      ['\x7fELF', 'an ELF program'],
      ['\xfd7zXZ', 'compressed by xz: unpack it first'],
      ['BZh', 'compressed by bzip2: unpack it first'],
      ['\x28\xb5\x2f\xfd', 'compressed by zstd: unpack it first'],
      ['XCP\0', 'a NetXRay capture: convert it with editcap -F pcapng'],
      ['snoop\0', 'a snoop capture: convert it with editcap -F pcapng'],
    ] as const
  ).find(([start]) => head.startsWith(start))
  if (known !== undefined) return known[1]
  if (error.protocol !== 'capture') return `not whole (${error.message})`
  const isText = octets.subarray(0, 512).every((octet) => octet >= 0x20 || octet === 9 || octet === 10 || octet === 13)
  return isText ? 'text' : 'of no kind known here'
}
