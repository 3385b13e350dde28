/** What an analysed capture came to, as the attacker's tool reports it. Read with care: it crossed the worker as data. */
import { formatCount } from '../words/quantities.js'

export interface AnalysedBlock {
  readonly name: string
  readonly octets: number
  readonly pagesRecovered: number
  readonly sha256: string
}

export interface AnalysedRound {
  readonly zero: number
  readonly normal: number
  readonly xbzrle: number
}

export interface AnalysedFinding {
  readonly kind: string
  readonly name: string
  readonly value: string
  readonly address: number
  readonly packets: readonly number[]
}

export interface AnalysedProcess {
  readonly name: string
  readonly state: string
  readonly from: string
  readonly to: string
  readonly pc: string
  readonly record: string
}

export interface AnalysedChanges {
  readonly block: string
  readonly pagesChanged: number
  /** Words that went up by a little each time. */
  readonly counters: readonly { readonly address: string; readonly values: readonly number[] }[]
}

export interface AnalysedStream {
  readonly protocol: string
  readonly complete: boolean
  readonly machine: string
  readonly blocks: readonly AnalysedBlock[]
  readonly rounds: readonly AnalysedRound[]
  readonly findings: readonly AnalysedFinding[]
  /** Of the guest's kernel, by its table in memory. */
  readonly processes: readonly AnalysedProcess[]
  /** Of pages that crossed several times, a RAM block an entry. */
  readonly changes: readonly AnalysedChanges[]
}

export interface AnalysisReport {
  readonly kind: string
  readonly streams: readonly AnalysedStream[]
  /** Of somebody in between. */
  readonly signs: readonly { readonly text: string; readonly packets: readonly number[] }[]
  readonly warnings: readonly string[]
}

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null
const text = (value: unknown) => (typeof value === 'string' ? value : '')
const number = (value: unknown) => (typeof value === 'number' ? value : 0)
/** Addresses come as hexadecimal text, as the tool prints them. */
const address = (value: unknown) => (/^0x[0-9a-f]{1,12}$/i.test(text(value)) ? Number(value) : number(value))
const list = <T>(value: unknown, read: (fields: Fields) => T): T[] =>
  Array.isArray(value) ? value.filter(isFields).map(read) : []

const numbers = (value: unknown): number[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'number') : []

/** Takes what has the right shape; what has not is left empty rather than trusted. Null when it is no report at all. */
export function readAnalysis(value: unknown): AnalysisReport | null {
  if (!isFields(value) || !Array.isArray(value.streams)) return null
  return {
    kind: text(value.kind),
    warnings: Array.isArray(value.warnings) ? value.warnings.filter((warning) => typeof warning === 'string') : [],
    signs: list(value.signs, (sign) => ({ text: text(sign.text), packets: numbers(sign.packets) })),
    streams: list(value.streams, (stream) => ({
      protocol: text(stream.protocol),
      complete: stream.complete === true,
      machine: text(stream.machine),
      blocks: list(stream.blocks, (block) => ({
        name: text(block.name),
        octets: number(block.octets),
        pagesRecovered: number(block.pagesRecovered),
        sha256: text(block.sha256),
      })),
      rounds: list(stream.rounds, ({ zero, normal, xbzrle }) => ({
        zero: number(zero),
        normal: number(normal),
        xbzrle: number(xbzrle),
      })),
      findings: list(stream.findings, ({ kind, name, value: found, address: at, packets }) => ({
        kind: text(kind),
        name: text(name),
        value: text(found),
        address: address(at),
        packets: numbers(packets),
      })),
      changes: list(stream.changes, ({ block, pagesChanged, counters }) => ({
        ...{ block: text(block), pagesChanged: number(pagesChanged) },
        counters: list(counters, ({ address: at, values }) => ({ address: text(at), values: numbers(values) })),
      })),
      processes: list(stream.processes, ({ name, state, from, to, pc, record }) => ({
        ...{ name: text(name), state: text(state), record: text(record) },
        ...{ from: text(from), to: text(to), pc: text(pc) },
      })),
    })),
  }
}

const protocolTitles: Readonly<Record<string, string>> = {
  qevm: 'QEMU migration stream, in clear',
  tls: 'TLS',
  ssh: 'SSH',
  nacl: 'NaCl records',
  records: 'Record channel',
}

export function protocolTitle(protocol: string): string {
  return protocolTitles[protocol] ?? protocol
}

/** One sentence that answers what a reader wants to know first. */
export function verdict({ streams }: AnalysisReport): string {
  if (streams.length === 0) return 'No migration was recognised in this file.'
  const clear = streams.filter(({ protocol }) => protocol === 'qevm')
  const found = streams.reduce((sum, { findings }) => sum + findings.length, 0)
  const pages = clear.reduce(
    (sum, { blocks }) => sum + blocks.reduce((pages, block) => pages + block.pagesRecovered, 0),
    0,
  )
  if (clear.length === 0) {
    const seen = [...new Set(streams.map(({ protocol }) => protocolTitle(protocol)))].join(', ')
    return `Nothing readable: what crossed was ${seen}. No page and no secret could be recovered.`
  }
  const secrets =
    found === 0 ? 'no secret was found in them' : `${found} secret${found === 1 ? ' was' : 's were'} found in them`
  const part = clear.every(({ complete }) => complete)
    ? ''
    : ' The stream is incomplete: this is what could be recovered.'
  return `Readable: ${formatCount(pages)} pages of guest RAM were rebuilt, and ${secrets}.${part}`
}
