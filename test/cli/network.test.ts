import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { networkCommand } from '../../cli/network.js'
import { predictions, transferCommand } from '../../cli/transfer.js'
import { InputError } from '../../core/base/errors.js'
import { CaptureIndex } from '../../core/capture/capture-index.js'
import { CaptureFileSource } from '../../core/capture/frame-source.js'
import type { NetworkResult } from '../../core/session/network-run.js'
import { outputOf } from '../support/command-output.js'
import { examplePath } from '../support/example-networks.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'midstream-network-'))
})
afterAll(async () => rm(folder, { recursive: true, force: true }))

async function fileOf(text: string): Promise<string> {
  const path = join(folder, 'plan.yaml')
  await writeFile(path, text)
  return path
}

async function packetsIn(path: string): Promise<{ packets: number; warnings: readonly string[] }> {
  const source = new CaptureFileSource(new Uint8Array(await readFile(path)))
  const index = new CaptureIndex(source)
  index.update()
  return { packets: index.lastPacket, warnings: source.warnings }
}

const two = `
title: Two hosts
hosts:
  alice: { address: 10.0.0.1/24 }
  bob: { address: 10.0.0.2/24 }
links:
  - { from: alice, to: bob }
`

describe('network', () => {
  it('says what happened as ping, traceroute and the tables of a switch do', async () => {
    const { status, out } = await outputOf(() => networkCommand([examplePath('one-switch')]))
    expect(status).toBe(0)
    expect(out).toMatch(/^One switch \(seed 1\)\n {2}Three hosts at one switch/)
    expect(out).toContain('PING bob (10.0.0.2) from alice: 56 data octets')
    expect(out).toContain('64 octets from 10.0.0.2: icmp_seq=2 ttl=64 time=0.044 ms')
    expect(out).toContain('2 packets transmitted, 0 received, 100% packet loss')
    expect(out).toMatch(/16777216 octets in 0\.\d+ s: 9\d\d Mbit\/s/)
    expect(out).toMatch(/MAC address +port +VLAN +type +age\n +02:00:00:00:00:01 +alice +1 +dynamic/)
    expect(out).toMatch(/# A cable that is cut tells nobody\.\n +2\.143 s {2}ok {6}ping alice → bob: lost\n/)
    expect(out).toMatch(/all as expected\ntrace [0-9a-f]{64}\n$/)
    const routed = await outputOf(() => networkCommand([examplePath('routed-triangle'), '--seed', '7']))
    expect(routed.status).toBe(0)
    expect(routed.out).toMatch(/ 1 {2}r1 \(10\.1\.0\.1\) {2}0\.\d{3} ms {2}0\.\d{3} ms {2}0\.\d{3} ms\n/)
  })

  it('writes JSON alone, the same each time, and a capture for each tap and for all', async () => {
    const captures = join(folder, 'captures')
    const run = () => outputOf(() => networkCommand(['double-tag', '--json', '-', '--pcap', captures]))
    const { status, out } = await run()
    expect(status).toBe(0)
    const result = JSON.parse(out) as NetworkResult
    expect(result).toMatchObject({ title: 'Two tags', seed: '1', passed: true })
    expect(result.entries[1]).toMatchObject({ do: 'send', outcome: 'received', problems: [] })
    expect((await run()).out).toBe(out)
    expect((await readdir(captures)).sort()).toEqual(['all.pcapng', 'mallory.pcapng', 'trunk.pcapng', 'victim.pcapng'])
    for (const { name, packets } of result.taps)
      expect(await packetsIn(join(captures, `${name}.pcapng`))).toEqual({ packets, warnings: [] })
    const all = result.taps.reduce((sum, { packets }) => sum + packets, 0)
    expect(await packetsIn(join(captures, 'all.pcapng'))).toEqual({ packets: all, warnings: [] })
  })

  it('streams a tap, or all, out of standard output, and talks beside it', async () => {
    const { status, out, errors } = await outputOf(() =>
      networkCommand([examplePath('vlans'), '--live', '-', '--tap', 'router sends']),
    )
    expect(status).toBe(0)
    expect(out).toContain('router sends')
    expect(out).not.toContain('trunk')
    expect(errors).toContain('all as expected')
    const all = await outputOf(() => networkCommand(['vlans', '--live', '-']))
    for (const name of ['router sends', 'trunk']) expect(all.out).toContain(name)
  })

  it('ends with 1 when something is not as expected, and says what', async () => {
    const path = await fileOf(`${two}script:\n  - { do: ping, from: alice, to: bob, count: 1, expect: lost }\n`)
    const { status, out } = await outputOf(() => networkCommand([path]))
    expect(status).toBe(1)
    expect(out).toContain('NOT OK  ping alice → bob: answered (expected: lost)')
    expect(out).toContain('1 of 1 not as expected')
  })

  it('only looks, when told', async () => {
    const path = await fileOf(`${two}script:\n  - { do: wait, time: 1s }\n`)
    const { status, out } = await outputOf(() => networkCommand([path, '--check']))
    expect(status).toBe(0)
    expect(out).toMatch(/nothing wrong: 2 hosts and routers, 0 switches, 1 cables, 1 things to do/)
  })

  it.each([
    [
      'the line of a bad value',
      `${two}script:\n  - { do: wait, time: 1s }\n  - { do: ping, from: eve, to: bob }\n`,
      /plan\.yaml:10: script\[1\]\.from: there is no eve/,
    ],
    ['the line above what is missing', `${two}script:\n  - do: wait\n`, /plan\.yaml:9: script\[0\]\.time: is missing/],
    [
      'the line of what only the builder sees',
      `${two}routers:\n  r1: { gateway: 10.0.0.9 }\n`,
      /plan\.yaml:9: routers\.r1: the next hop/,
    ],
    ['the line of broken YAML', `${two}taps: [\n`, /plan\.yaml:\d+: /],
    [
      'a bomb of aliases',
      `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n`,
      /plan\.yaml/,
    ],
  ])('names %s', async (_, text, message) => {
    const refusal = networkCommand([await fileOf(text)])
    await expect(refusal).rejects.toThrow(InputError)
    await expect(refusal).rejects.toThrow(message)
  })

  it('refuses what it cannot do', async () => {
    await expect(networkCommand([])).rejects.toThrow(/name one file or example/)
    await expect(networkCommand([join(folder, 'none.yaml')])).rejects.toThrow(
      /there is no file .*none\.yaml, and no example of that name; there are: arp-inspection, /,
    )
    await expect(networkCommand([folder])).rejects.toThrow(/cannot be read/)
    const path = examplePath('vlans')
    await expect(networkCommand([path, '--live', '-', '--json', '-'])).rejects.toThrow(/cannot both be/)
    await expect(networkCommand([path, '--tap', 'x'])).rejects.toThrow(
      /--tap x: the plan has the taps trunk, router sends/,
    )
    await expect(networkCommand([await fileOf(two), '--live', '-'])).rejects.toThrow(/no taps/)
    await expect(networkCommand([path, '--pcap', '/dev/null/x'])).rejects.toThrow(InputError)
  })
})

describe('transfer', () => {
  it('measures, predicts and captures', async () => {
    const pcap = join(folder, 'transfer.pcapng')
    const { status, out } = await outputOf(() =>
      transferCommand(['--size', '4MiB', '--loss', '1%', '--latency', '5ms', '--pcap', pcap]),
    )
    expect(status).toBe(0)
    expect(out).toMatch(/outcome +complete\n/)
    expect(out).toMatch(/throughput +\d+(\.\d+)? Mbit\/s\n/)
    expect(out).toMatch(/Mathis formula +14\.1 Mbit\/s\nCUBIC formula +14\.1 Mbit\/s\n/)
    expect((await packetsIn(pcap)).packets).toBeGreaterThan(3000)
  })

  it('fills a path that loses nothing, over both families', async () => {
    for (const family of [[], ['--ipv6']]) {
      const { status, out } = await outputOf(() =>
        transferCommand(['--size', '16MiB', '--latency', '100us', '--congestion', 'newreno', '--json', '-', ...family]),
      )
      expect(status).toBe(0)
      const result = JSON.parse(out) as Record<string, number>
      expect(result).toMatchObject({
        outcome: 'complete',
        congestionControl: 'newreno',
        segmentsRetransmitted: 0,
        predicted: null,
      })
      expect(result['throughputBps']).toBeGreaterThan(900e6)
    }
  })

  it('knows the formulas', () => {
    const path = { bandwidthBps: 1e9, latencyNs: 100e6, loss: 0.0001 }
    // 122 segments of 1448 octets in 200 ms; (200 ms / 0.0001)^(3/4) · 1.054 = 315 of them.
    expect(predictions({ mss: 1448 }, path)).toEqual({
      mathisBps: 7_066_240,
      cubicBps: expect.closeTo(18.26e6, -5) as number,
    })
    expect(predictions({ mss: 1448 }, { ...path, loss: 0 })).toBeNull()
  })

  it.each([
    ['--size', 'big', /--size: "big" is not a size/],
    ['--size', '0', /that cannot be: 1 octet to 4GiB/],
    ['--latency', 'low', /--latency: /],
    ['--loss', '2', /--loss: /],
    ['--congestion', 'bbr', /--congestion bbr: choose one of/],
    ['--bandwidth', '0bit', /that cannot be: bandwidth is 0/],
  ])('refuses %s %s by name', async (option, value, message) => {
    const refusal = transferCommand([option, value])
    await expect(refusal).rejects.toThrow(InputError)
    await expect(refusal).rejects.toThrow(message)
  })
})
