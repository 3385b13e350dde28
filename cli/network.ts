/** `network`: a network from a file, and what its script does there. */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { InputError } from '../core/base/errors.js'
import { milliseconds, seconds } from '../core/base/units.js'
import { printable } from '../core/capture/value-text.js'
import { mergedCapture, MergedTapStream } from '../core/net/merged-tap-stream.js'
import type { Tap } from '../core/net/tap.js'
import type { NetworkRun } from '../core/session/network-run.js'
import { LiveCapture } from './live-capture.js'
import { findNetwork } from './network-files.js'
import { entryLines } from '../core/session/network-words.js'
import { expectWritable, makeFolder, openOutput, writeOutputFile, type Output } from './output.js'

/** What has happened is printed, and what was captured handed to a viewer, this often in virtual time. */
const STRIDE_NS = seconds(1)
const LIVE_STRIDE_NS = milliseconds(10)

export async function networkCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      seed: { type: 'string' },
      json: { type: 'string' },
      pcap: { type: 'string' },
      live: { type: 'string' },
      tap: { type: 'string' },
      check: { type: 'boolean', default: false },
    },
  })
  const [path, ...others] = positionals
  if (path === undefined || others.length > 0) throw new InputError('name one file or example: network vlans')
  if (values.live === '-' && values.json === '-') throw new InputError('--live - and --json - cannot both be')
  const output = openOutput(
    values.json,
    (text) => void (values.live === '-' ? process.stderr : process.stdout).write(text),
  )
  const file = findNetwork(path)
  const run = file.run(values.seed)
  if (values.check) {
    const { stacks, switches, links } = run.network
    output.line(
      `${path}: nothing wrong: ${stacks.length} hosts and routers, ${switches.length} switches, ${links.length} cables, ${file.plan.script.length} things to do`,
    )
    return 0
  }
  await expectWritable(values.json === '-' ? undefined : values.json)
  if (values.pcap !== undefined) await makeFolder(values.pcap)
  const taps = watchedTaps(run, values.tap)
  if (values.live !== undefined && taps.length === 0)
    throw new InputError(`${path} has no taps, so there is nothing to see live`)
  const live = values.live === undefined ? null : await LiveCapture.of(values.live, new MergedTapStream(taps))

  const { title, about } = file.plan
  output.line(`${printable(title)} (seed ${printable(run.seed)})`)
  for (const line of about.trimEnd().split('\n')) if (line !== '') output.line(`  ${printable(line)}`)
  output.line()
  await runTold(run, output, live)
  const result = run.result()
  const failed = result.entries.filter(({ problems }) => problems.length > 0).length
  output.line()
  output.line(failed === 0 ? 'all as expected' : `${failed} of ${result.entries.length} not as expected`)
  output.line(`trace ${result.traceHash}`)
  if (values.pcap !== undefined) await writeCaptures(values.pcap, run.network.taps)
  await output.json(result)
  await live?.end()
  return result.passed ? 0 : 1
}

/** Run to the end of the script; what has ended is printed meanwhile. */
async function runTold(run: NetworkRun, output: Output, live: LiveCapture | null): Promise<void> {
  let told = 0
  for (let isOver = false; !isOver;) {
    isOver = run.run(live === null ? STRIDE_NS : LIVE_STRIDE_NS)
    for (; told < run.player.entries.length; told++) {
      const entry = run.player.entries[told]
      const item = entry && run.plan.script[entry.index]
      if (entry !== undefined && item !== undefined) entryLines(entry, item).forEach((line) => output.line(line))
    }
    await live?.pump()
  }
}

/** All, or that of the name. */
function watchedTaps(run: NetworkRun, name: string | undefined): readonly Tap[] {
  const { taps } = run.network
  if (name === undefined) return taps
  const tap = taps.find((one) => one.name === name)
  if (tap === undefined)
    throw new InputError(`--tap ${name}: the plan has the taps ${taps.map((one) => one.name).join(', ') || '(none)'}`)
  return [tap]
}

/** One file for each tap, and one with all of them. */
async function writeCaptures(folder: string, taps: readonly Tap[]): Promise<void> {
  for (const tap of taps)
    await writeOutputFile(join(folder, `${tap.name.replace(/[^\w.-]+/g, '-')}.pcapng`), tap.toPcapng())
  if (taps.length > 1) await writeOutputFile(join(folder, 'all.pcapng'), mergedCapture(taps))
}
