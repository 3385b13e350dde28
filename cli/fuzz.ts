/** `fuzz`: hostile streams for the program that receives a migration, until it crashes; each crash with the least that brings it about. */
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { Fuzzer, type FuzzCrash } from '../core/attack/fuzz/fuzzer.js'
import { restoreSeeds } from '../core/attack/fuzz/restore-seeds.js'
import { InputError } from '../core/base/errors.js'
import { hexOf } from '../core/base/octets.js'
import { receiverFixes, receiverFixNames, type ReceiverFix } from '../core/hypervisor/vulnerable-receiver/fixes.js'
import { restoreFields } from '../core/hypervisor/wire/restore-stream.js'
import { RandomStream } from '../core/kernel/random.js'
import { ReceiverTarget } from '../core/session/attacker/receiver-target.js'
import { expectWritable, makeFolder, openOutput, writeOutputFile, type Output } from './output.js'
import { oneOf } from './quantities.js'

const RUNS_MAX = 100_000_000
/** Words on how far it is. */
const PROGRESS_COUNT = 5
/** Of a field, in hexadecimal. */
const SHOWN_OCTETS = 12

const options = {
  seed: { type: 'string', default: '1' },
  runs: { type: 'string', default: '50000' },
  fix: { type: 'string', multiple: true, default: [] as string[] },
  json: { type: 'string' },
  out: { type: 'string' },
} as const

export async function fuzzCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options })
  const runs = Number(values.runs)
  if (!Number.isInteger(runs) || runs < 1 || runs > RUNS_MAX)
    throw new InputError(`--runs ${values.runs}: a whole number from 1 to ${RUNS_MAX}`)
  const fixes = [...new Set(values.fix.flatMap(fixesNamed))]
  const output = openOutput(values.json)
  await expectWritable(values.json === '-' ? undefined : values.json)
  if (values.out !== undefined) await makeFolder(values.out)
  output.line(fixes.length === 0 ? 'the receiver as it is' : 'the receiver, mended:')
  for (const fix of fixes) output.line(`  ${fix}: ${receiverFixes[fix]}`)
  const fuzzer = new Fuzzer(new ReceiverTarget(fixes), restoreSeeds, new RandomStream(`fuzz ${values.seed}`))
  const startMs = performance.now()
  fuzz(fuzzer, runs, output)
  const rate = Math.round(runs / ((performance.now() - startMs) / 1000))
  output.line(`${runs} runs, ${rate} a second with what making inputs small took; ${found(fuzzer.crashes.length)}`)
  const crashes = fuzzer.crashes.map((crash) => ({ ...crash, mendedBy: mendedBy(crash, fixes) }))
  for (const crash of crashes) describe(crash, output)
  if (values.out !== undefined)
    for (const [index, { crash, minimised }] of crashes.entries())
      await writeOutputFile(join(values.out, `${index + 1}-${fileName(crash)}.stream`), minimised)
  await output.json({
    seed: values.seed,
    runs,
    fixes,
    branches: fuzzer.branchCount,
    corpus: fuzzer.corpusSize,
    crashes: crashes.map(({ crash, run, input, minimised, minimisingTests, mendedBy: mends }) => ({
      ...{ crash, run, inputOctets: input.length, minimisingTests, mendedBy: mends },
      minimised: hexOf(minimised),
      fields: restoreFields(minimised),
    })),
  })
  return crashes.length === 0 ? 0 : 1
}

function fixesNamed(name: string): readonly ReceiverFix[] {
  return name === 'all' ? receiverFixNames : [oneOf('fix', name, receiverFixNames)]
}

function fuzz(fuzzer: Fuzzer, runs: number, output: Output): void {
  const every = Math.max(1, Math.ceil(runs / PROGRESS_COUNT))
  while (fuzzer.runs < runs) {
    const crash = fuzzer.step()
    if (crash !== null) output.line(`run ${crash.run}: ${crash.crash}`)
    if (fuzzer.runs % every === 0 || fuzzer.runs === runs)
      output.line(
        `${fuzzer.runs} runs: ${fuzzer.corpusSize} inputs kept, ${fuzzer.branchCount} branches, ${found(fuzzer.crashes.length)}`,
      )
  }
}

const found = (crashes: number): string =>
  crashes === 0 ? 'no crash' : crashes === 1 ? '1 crash' : `${crashes} different crashes`

/** Fixes each of which alone keeps this input from doing what it does. */
function mendedBy({ crash, minimised }: FuzzCrash, fixes: readonly ReceiverFix[]): readonly ReceiverFix[] {
  return receiverFixNames.filter((fix) => new ReceiverTarget([...fixes, fix]).run(minimised).crash !== crash)
}

function describe(crash: FuzzCrash & { readonly mendedBy: readonly ReceiverFix[] }, output: Output): void {
  const { input, minimised, minimisingTests } = crash
  output.line()
  output.line(crash.crash)
  output.line(
    `  first in run ${crash.run}, with ${input.length} octets; ${minimised.length} are enough, found in ${minimisingTests} more runs`,
  )
  output.line(`  mended by ${crash.mendedBy.length === 0 ? 'none of the fixes alone' : crash.mendedBy.join(', ')}`)
  output.table(
    ['at', 'field', 'value', 'octets'],
    restoreFields(minimised).map(({ offset, length, name, value }) => [
      offset,
      name,
      value === null ? '' : String(value),
      shown(minimised.subarray(offset, offset + length)),
    ]),
  )
}

/** In hexadecimal; the same octet again and again only once. */
function shown(octets: Uint8Array): string {
  const [first = 0] = octets
  if (octets.length > SHOWN_OCTETS && octets.every((octet) => octet === first))
    return `${octets.length} times ${hexOf(Uint8Array.of(first))}`
  const hex = hexOf(octets.subarray(0, SHOWN_OCTETS)).replace(/..(?=.)/g, '$& ')
  return octets.length <= SHOWN_OCTETS ? hex : `${hex} and ${octets.length - SHOWN_OCTETS} more`
}

const fileName = (crash: string): string => crash.replace(/[^a-z0-9]+/gi, '-')
