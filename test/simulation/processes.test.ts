/** The same seed in two processes: the same trace and the same capture, to the last octet. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { channelNames, strategies } from '../../core/session/scenario.js'

const commandLine = fileURLToPath(new URL('../../scripts/midstream.mjs', import.meta.url))
const run = promisify(execFile)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'midstream-processes-'))
})
afterAll(async () => rm(folder, { recursive: true, force: true }))

async function migrate(name: string, options: readonly string[]): Promise<{ traceHash: string; capture: Buffer }> {
  const pcap = join(folder, `${name}.pcapng`)
  const small = ['--ram', '4MiB', '--working-set', '256KiB', '--downtime-limit', '2ms']
  const { stdout } = await run(process.execPath, [
    commandLine,
    'migrate',
    ...small,
    ...options,
    '--json',
    '-',
    '--pcap',
    pcap,
  ])
  const { status, traceHash } = JSON.parse(stdout) as { status: string; traceHash: string }
  expect(status).toBe('completed')
  return { traceHash, capture: await readFile(pcap) }
}

describe('two processes with the same seed', () => {
  // Every strategy and every channel; all pairs of them are for the suites that need no processes.
  const cases = strategies.map((strategy, index) => [channelNames[index % channelNames.length]!, strategy] as const)

  it.each(cases)('agree on a migration over %s by %s', async (channel, strategy) => {
    const options = ['--channel', channel, '--strategy', strategy]
    const [first, second] = await Promise.all([
      migrate(`${channel}-${strategy}-1`, options),
      migrate(`${channel}-${strategy}-2`, options),
    ])
    expect(second.traceHash).toBe(first.traceHash)
    expect(second.capture.equals(first.capture)).toBe(true)
  })

  it('and differ with another', async () => {
    const [first, other] = await Promise.all([migrate('seed-1', ['--seed', '1']), migrate('seed-2', ['--seed', '2'])])
    expect(other.traceHash).not.toBe(first.traceHash)
    expect(other.capture.equals(first.capture)).toBe(false)
  })
})
