/** `calibrate`: what cryptography costs this machine, as a table that `migrate --costs` and a scenario take. */
import { arch, cpus, platform } from 'node:os'
import { parseArgs } from 'node:util'
import { stringify } from 'yaml'
import { InputError } from '../core/base/errors.js'
import { parseDuration } from '../core/base/units.js'
import { costTables } from '../core/secure/cost-tables.js'
import { cipherNames, operationNames, streamedNames, type CostTable } from '../core/secure/costs.js'
import { naclWorks, nobleWorks, opensslWorks, type OctetWork, type Works } from './calibrate-works.js'
import { expectWritable, openOutput, writeOutputFile } from './output.js'
import { oneOf, quantity } from './quantities.js'
import { measureNs } from './stopwatch.js'

const PIECE_OCTETS = 16_384
const SMALL_OCTETS = 16
const SAMPLE_MS_MAX = 10_000

/** So begins the source of a figure that is another machine's. */
const NOT_MEASURED = 'not measured here'

const sides = ['native', 'libraries'] as const
type Side = (typeof sides)[number]

export async function calibrateCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      of: { type: 'string', default: 'native' },
      sample: { type: 'string', default: '20ms' },
      output: { type: 'string' },
      json: { type: 'string' },
    },
  })
  const wanted = oneOf('of', values.of, sides)
  const sampleMs = quantity('sample', values.sample, parseDuration) / 1e6
  if (sampleMs <= 0 || sampleMs > SAMPLE_MS_MAX) throw new InputError(`--sample ${values.sample}: above 0, up to 10s`)
  const output = openOutput(values.json)
  await expectWritable(values.json === '-' ? undefined : values.json, values.output)

  const progress = new Progress(sides.length * (cipherNames.length + operationNames.length + streamedNames.length))
  const tables = Object.fromEntries(
    sides.map((side) => [side, new Calibration(side, sampleMs, progress).table()]),
  ) as Record<Side, CostTable>
  progress.end()
  const shown = [tables.native, tables.libraries, costTables.aes, costTables['no-aes'], costTables.libraries] as const
  const cells = (figure: (table: CostTable) => Shown): string[] =>
    shown.map((table) => {
      const { ns, source } = figure(table)
      return `${short(ns)}${source.startsWith(NOT_MEASURED) ? '*' : ''}`
    })
  output.line(`${machineName()}, processor time; beside it the tables of --host-cpu`)
  output.line()
  output.table(
    ['ns an octet', 'native', 'libraries', 'aes', 'no-aes', 'libraries (table)'],
    [
      ...cipherNames.map((name) => [name, ...cells(({ ciphers }) => octet(ciphers[name]))]),
      ...streamedNames.map((name) => [name, ...cells(({ streamed }) => octet(streamed[name]))]),
    ],
  )
  output.line()
  output.table(
    ['ns a record or operation', 'native', 'libraries', 'aes', 'no-aes', 'libraries (table)'],
    [
      ...cipherNames.map((name) => [
        name,
        ...cells(({ ciphers }) => ({ ns: ciphers[name].nsPerRecord, source: ciphers[name].source })),
      ]),
      ...operationNames.map((name) => [name, ...cells(({ operations }) => operations[name])]),
    ],
  )
  output.line()
  output.line('* not measured here: as in the table of --host-cpu')
  const table = tables[wanted]
  if (values.output !== undefined) {
    await writeOutputFile(
      values.output,
      values.output.endsWith('.json') ? `${JSON.stringify(table, undefined, 2)}\n` : stringify(table),
    )
    output.line()
    output.line(`wrote ${values.output}: midstream migrate --costs ${values.output} --channel ...`)
  }
  await output.json(table)
  return 0
}

/** One side of the table. What this side has not got, or cannot do here, is as in the table at hand, and says so. */
class Calibration {
  private readonly works: readonly (readonly [by: string, works: Works])[]
  private readonly fallback: CostTable

  constructor(
    private readonly side: Side,
    private readonly sampleMs: number,
    private readonly progress: Progress,
  ) {
    this.fallback = costTables[side === 'native' ? 'aes' : 'libraries']
    const openssl = ['OpenSSL ' + process.versions.openssl, opensslWorks()] as const
    const tweetnacl = ['tweetnacl', naclWorks()] as const
    this.works = side === 'native' ? [openssl] : [tweetnacl, ['noble', nobleWorks()]]
  }

  table(): CostTable {
    const { fallback } = this
    return {
      title: `${machineName()}: ${this.side === 'native' ? 'OpenSSL' : "this program's own libraries"}`,
      ciphers: eachOf(cipherNames, (name) =>
        this.figure(
          name,
          ({ ciphers }) => ciphers[name],
          fallback.ciphers[name],
          (work: OctetWork) => {
            const { nsPerOctet, smallNs } = this.octetsNs(work)
            return { nsPerOctet, nsPerRecord: Math.max(0, Math.round(smallNs - SMALL_OCTETS * nsPerOctet)) }
          },
        ),
      ),
      operations: eachOf(operationNames, (name) =>
        this.figure(
          name,
          ({ operations }) => operations[name],
          fallback.operations[name],
          (work: () => void) => ({
            ns: Math.round(measureNs(work, this.sampleMs)),
          }),
        ),
      ),
      streamed: eachOf(streamedNames, (name) =>
        this.figure(
          name,
          ({ streamed }) => streamed[name],
          fallback.streamed[name],
          (work: OctetWork) => ({
            nsPerOctet: this.octetsNs(work).nsPerOctet,
          }),
        ),
      ),
    }
  }

  private figure<W, F>(
    name: string,
    find: (works: Works) => W | undefined,
    fallback: F & { readonly source: string },
    measure: (work: W) => F,
  ): F & { readonly source: string } {
    this.progress.step(`${this.side} ${name}`)
    for (const [by, works] of this.works) {
      const work = find(works)
      if (work === undefined) continue
      try {
        return { ...measure(work), source: `measured here: ${by}, Node ${process.versions.node}, ${machineName()}` }
      } catch (error) {
        // OpenSSL's legacy ciphers, unless Node was told to load them.
        if (!(error instanceof Error) || !('code' in error)) throw error
      }
    }
    return { ...fallback, source: `${NOT_MEASURED}; ${fallback.source}` }
  }

  /** Two lengths, so that what comes once a piece is not taken for the price of its octets. */
  private octetsNs(work: OctetWork): { nsPerOctet: number; smallNs: number } {
    const [piece, small] = [new Uint8Array(PIECE_OCTETS).fill(3), new Uint8Array(SMALL_OCTETS)]
    const smallNs = measureNs(() => work(small), this.sampleMs)
    const pieceNs = measureNs(() => work(piece), this.sampleMs)
    const nsPerOctet = Math.max(0, (pieceNs - smallNs) / (PIECE_OCTETS - SMALL_OCTETS))
    return { nsPerOctet: Number(nsPerOctet.toPrecision(3)), smallNs }
  }
}

function eachOf<K extends string, V>(names: readonly K[], of: (name: K) => V): Record<K, V> {
  return Object.fromEntries(names.map((name) => [name, of(name)])) as Record<K, V>
}

/** One line on a terminal, over and over. */
class Progress {
  private done = 0
  constructor(private readonly total: number) {}

  step(what: string): void {
    this.done++
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${this.done} of ${this.total}: ${what}`)
  }
  end(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  }
}

function machineName(): string {
  return `${cpus()[0]?.model.trim() ?? arch()} (${platform()})`
}

interface Shown {
  readonly ns: number
  readonly source: string
}

function octet({ nsPerOctet, source }: { readonly nsPerOctet: number; readonly source: string }): Shown {
  return { ns: nsPerOctet, source }
}

function short(ns: number): string {
  return ns >= 1000 ? ns.toLocaleString('en') : String(Number(ns.toPrecision(3)))
}
