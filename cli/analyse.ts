// The attacker's tool on a file from outside: rebuilds guest RAM from a capture or a stream, and searches it for secrets.
//   0 analysed · 1 the file is of no use · 2 asked for wrongly
import { mkdir, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type {
  AnalysisReport,
  ChangeReport,
  FindingReport,
  StreamReport,
  TransferReport,
} from '../core/attack/analysis-report.js'
import { analyseFile, type FileAnalysis } from '../core/attack/capture-file.js'
import { InputError } from '../core/base/errors.js'
import { PAGE_OCTETS } from '../core/base/units.js'
import type { ImageBlock } from '../core/migration/wire/ram-image.js'
import { estimateRows } from './leak-words.js'
import { expectWritable, openOutput, type Output } from './output.js'

const VALUE_SHOWN_MAX = 60
const PACKETS_SHOWN_MAX = 4

export async function analyseCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: { json: { type: 'string' }, 'dump-ram': { type: 'string' } },
    allowPositionals: true,
  })
  const [path, ...others] = positionals
  if (path === undefined || others.length > 0)
    throw new InputError(
      `name one capture or stream to analyse${path === undefined ? '' : `, not ${positionals.length}`}`,
    )

  const output = openOutput(values.json)
  await expectWritable(values.json === '-' ? undefined : values.json)
  let analysis: FileAnalysis
  try {
    analysis = analyseFile(await readFile(path))
  } catch (error) {
    const cause = causeOf(error)
    if (cause === null) throw error
    process.stderr.write(`midstream analyse: ${path}: ${cause}\n`)
    return 1
  }
  printReport(path, analysis.report, output)
  const directory = values['dump-ram']
  if (directory !== undefined) await dumpRam(analysis, directory, output)
  await output.json(analysis.report)
  return 0
}

/** What to tell the person, or null for a bug of ours. */
function causeOf(error: unknown): string | null {
  if (error instanceof InputError) return error.message
  if (!(error instanceof Error) || !('code' in error)) return null
  switch (error.code) {
    case 'ENOENT':
      return 'there is no such file'
    case 'EISDIR':
      return 'is a folder: name a file in it'
    case 'EACCES':
      return 'may not be read: look at its permissions'
    case 'ERR_FS_FILE_TOO_LARGE':
      return 'is over 2 GiB: cut it into parts, for instance with editcap -c'
    default:
      return null
  }
}

function printReport(path: string, report: AnalysisReport, output: Output): void {
  const from = report.kind === 'qevm' ? 'migration stream' : `${report.kind} capture of ${report.packets} packets`
  output.line(`${path}: ${from}, ${count(report.streams.length, 'stream')}`)
  for (const [index, stream] of report.streams.entries()) printStream(index + 1, stream, output)
  for (const transfer of report.transfers) printTransfer(transfer, output)
  if (report.signs.length > 0) {
    output.line()
    output.table(
      ['signs of somebody in between', 'packets'],
      report.signs.map(({ text, packets }) => [text, packets.join(', ')]),
    )
  }
  if (report.warnings.length > 0) output.line()
  for (const warning of report.warnings) output.line(`warning: ${printable(warning)}`)
}

function printTransfer({ client, server, octets, estimate }: TransferReport, output: Output): void {
  output.line()
  output.line(`${client} -> ${server}: ${octets} octets; if that was a migration, lengths and times say`)
  output.table(['', 'estimate', 'likely'], estimateRows(estimate))
}

function printStream(number: number, stream: StreamReport, output: Output): void {
  output.line()
  const ends = stream.client === null ? '' : `  ${stream.client} -> ${stream.server}`
  const octets = `${stream.octetsToServer} octets there, ${stream.octetsToClient} back`
  output.line(`${number}. ${stream.protocol}${ends}  ${octets}${stream.complete ? '' : '  (not whole)'}`)
  for (const sentence of stream.seen) output.line(`   ${printable(sentence)}`)
  if (stream.blocks.length > 0) {
    output.line()
    const rows = stream.blocks.map(
      (block) =>
        [
          printable(block.name),
          block.octets,
          block.pagesRecovered,
          block.octets / PAGE_OCTETS,
          block.sha256 || '-',
        ] as const,
    )
    output.table(['block', 'octets', 'pages recovered', 'of', 'SHA-256'], rows)
  }
  if (stream.rounds.length > 0) {
    output.line()
    const rows = stream.rounds.map(({ zero, normal, xbzrle }, round) => [round + 1, zero, normal, xbzrle] as const)
    output.table(['round (inferred)', 'zero', 'normal', 'xbzrle'], rows)
  }
  if (stream.processes.length > 0) {
    output.line()
    const rows = stream.processes.map(({ name, state, from, to, pc, record }) => [name, state, from, to, pc, record])
    output.table(['process', 'state', 'from', 'to', 'goes on at', 'record'], rows)
  }
  for (const changes of stream.changes) printChanges(changes, output)
  const { structure } = stream
  if (structure.alikePages > 0 || structure.blocksRepeated > 0) {
    const { blocks, blocksRepeated, alikePages, emptyPages } = structure
    const ofBlocks = blocks === 0 ? '' : `; ${blocksRepeated} of ${blocks} cipher blocks had come before`
    output.line()
    output.line(`${alikePages} pages are like another or empty, ${emptyPages} of them empty${ofBlocks}`)
  }
  if (stream.blocks.length === 0) return
  output.line()
  output.line(stream.findings.length === 0 ? 'no secrets found' : count(stream.findings.length, 'finding'))
  if (stream.findings.length > 0)
    output.table(['kind', 'name', 'value', 'address', 'block', 'packets'], stream.findings.map(findingRow))
}

/** Pages that crossed several times. */
function printChanges({ block, pagesBySends, pagesChanged, hottest, counters }: ChangeReport, output: Output): void {
  const again = pagesBySends.slice(1).reduce((sum, pages) => sum + pages, 0)
  output.line()
  output.line(`${printable(block)}: ${count(again, 'page')} sent more than once, ${pagesChanged} of them changed`)
  if (hottest.length > 0)
    output.table(
      ['hottest page', 'copies', 'changes', 'words changed'],
      hottest.map(({ address, copies, changes, wordsChanged }) => [address, copies, changes, wordsChanged]),
    )
  if (counters.length === 0) return
  output.line()
  output.table(
    ['counter', 'went'],
    counters.map(({ address, values }) => [address, values.join(', ')]),
  )
}

function findingRow({ kind, name, value, address, block, packets }: FindingReport): readonly string[] {
  const flat = value.replace(/\r?\n/g, '\\n')
  const shown = flat.length > VALUE_SHOWN_MAX ? `${flat.slice(0, VALUE_SHOWN_MAX - 1)}…` : flat
  const more = packets.length > PACKETS_SHOWN_MAX ? ` … ${packets.at(-1)}` : ''
  const shownPackets = packets.slice(0, PACKETS_SHOWN_MAX).join(' ') + more
  return [kind, name, shown, address, block, shownPackets].map(printable)
}

/** One file a block, named after it; of several migrations or blocks of one name each gets a number in front. */
async function dumpRam({ migrations }: FileAnalysis, directory: string, output: Output): Promise<void> {
  const names = new Set<string>()
  try {
    await mkdir(directory, { recursive: true })
    for (const { blocks } of migrations)
      for (const block of blocks) {
        let name = `${block.name.replace(/[^\w.-]/g, '_')}.ram`
        for (let number = 2; names.has(name); number++) name = `${number}-${name.replace(/^\d+-/, '')}`
        names.add(name)
        await writeBlock(join(directory, name), block)
        output.line(`wrote ${join(directory, name)}`)
      }
  } catch (error) {
    throw new InputError(`${directory} cannot be written: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Pages that are zero or were never seen become holes. */
async function writeBlock(path: string, block: ImageBlock): Promise<void> {
  const file = await open(path, 'w')
  try {
    for (let page = 0; page < block.pageCount; page++) {
      const octets = block.page(page)
      if (octets !== null) await file.write(octets, 0, octets.length, page * octets.length)
    }
    await file.truncate(block.octets)
  } finally {
    await file.close()
  }
}

/** Names and values come from whoever made the file: no control character of theirs reaches the terminal. */
function printable(cell: string): string {
  return cell.replace(/[\p{Cc}\p{Cf}]/gu, '?')
}

const count = (number: number, thing: string): string => `${number} ${thing}${number === 1 ? '' : 's'}`
