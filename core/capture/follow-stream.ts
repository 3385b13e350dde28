/** What the two sides of a TCP connection said to one another, in the order in which it was captured. */
import { concatOctets } from '../base/octets.js'
import type { CaptureIndex } from './capture-index.js'
import { endText } from './conversations.js'
import type { TcpStream } from './stream/tcp-stream.js'

export interface FollowedPart {
  readonly sender: 'client' | 'server'
  /** The first packet of the part. */
  readonly packet: number
  readonly timeNs: number
  /** Of the first octet in its direction. */
  readonly position: number
  readonly octets: Uint8Array
  /** Octets before this part that were not captured, or are not kept any more. */
  readonly missingBefore: number
}

export interface FollowedStream {
  readonly stream: number
  /** `10.0.0.1:49153`. */
  readonly client: string
  readonly server: string
  readonly octetsToServer: number
  readonly octetsToClient: number
  /** Segments of one side that follow one another are one part. */
  readonly parts: readonly FollowedPart[]
  /** There is more than was asked for. */
  readonly isCut: boolean
}

interface Run {
  readonly sender: 'client' | 'server'
  readonly packet: number
  readonly position: number
  readonly octets: Uint8Array
}

/** Null for a stream that is not there. At most `octetsMax` octets are given: 4 MiB unless told. */
export function followStream(
  index: CaptureIndex,
  number: number,
  { octetsMax = 4 * 1024 * 1024 }: { readonly octetsMax?: number } = {},
): FollowedStream | null {
  const stream = index.streams[number]
  if (stream === undefined) return null
  const runs = [...runsOf(index, stream, 'client', octetsMax), ...runsOf(index, stream, 'server', octetsMax)]
  runs.sort((a, b) => a.packet - b.packet || a.position - b.position)
  const { parts, isCut } = joinRuns(index, runs, octetsMax)
  return {
    stream: number,
    client: endText(index, stream.client),
    server: endText(index, stream.server),
    octetsToServer: stream.toServer.position,
    octetsToClient: stream.toClient.position,
    parts,
    isCut,
  }
}

function runsOf(index: CaptureIndex, stream: TcpStream, sender: 'client' | 'server', octetsMax: number): Run[] {
  const direction = sender === 'client' ? stream.toServer : stream.toClient
  const runs: Run[] = []
  let total = 0
  direction.eachRun(0, (position, packet, length, skip) => {
    const frame = index.payloadFrame(packet)
    if (frame !== undefined && index.columns.has(packet)) {
      const start = index.payloadStart(packet) + skip
      runs.push({ sender, packet, position, octets: frame.subarray(start, start + length) })
      total += length
    }
    return total <= octetsMax
  })
  return runs
}

function joinRuns(
  index: CaptureIndex,
  runs: readonly Run[],
  octetsMax: number,
): { readonly parts: FollowedPart[]; readonly isCut: boolean } {
  const parts: FollowedPart[] = []
  const expected = { client: 0, server: 0 }
  let pending: Run[] = []
  let missingBefore = 0
  let total = 0
  const give = (): void => {
    const [first] = pending
    if (first === undefined) return
    const octets = concatOctets(pending.map((run) => run.octets))
    const { sender, packet, position } = first
    parts.push({ sender, packet, timeNs: index.source.timeNs(packet) ?? 0, position, octets, missingBefore })
    pending = []
  }
  for (const run of runs) {
    const gap = Math.max(0, run.position - expected[run.sender])
    if (pending[0]?.sender !== run.sender || gap > 0) {
      give()
      missingBefore = gap
    }
    const octets = run.octets.subarray(0, octetsMax - total)
    pending.push({ ...run, octets })
    total += octets.length
    expected[run.sender] = run.position + run.octets.length
    if (octets.length < run.octets.length) {
      give()
      return { parts, isCut: true }
    }
  }
  give()
  return { parts, isCut: false }
}

/** Octets as text on lines: what is no character of ASCII becomes a dot. */
export function streamText(octets: Uint8Array): string {
  let text = ''
  for (const octet of octets)
    text +=
      octet === 0x0a || octet === 0x0d || octet === 0x09 || (octet >= 0x20 && octet < 0x7f)
        ? String.fromCharCode(octet)
        : '.'
  return text
}

const ROW_OCTETS = 16

/** `00000010  71 65 76 6d …  qevm…`, 16 octets a line; offsets begin at `start`. */
export function hexDump(octets: Uint8Array, start = 0): string {
  const lines: string[] = []
  for (let at = 0; at < octets.length; at += ROW_OCTETS) {
    const row = octets.subarray(at, at + ROW_OCTETS)
    const hex = Array.from(row, (octet) => octet.toString(16).padStart(2, '0'))
    const columns = `${hex.slice(0, 8).join(' ')}  ${hex.slice(8).join(' ')}`
    const text = Array.from(row, (octet) => (octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : '.')).join('')
    lines.push(`${(start + at).toString(16).padStart(8, '0')}  ${columns.padEnd(49)}  ${text}`)
  }
  return lines.join('\n')
}
