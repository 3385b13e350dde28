import { describe, expect, it } from 'vitest'
import { mergedCapture } from '../../../core/net/merged-tap-stream.js'
import { exampleNetwork, exampleNetworks } from '../../support/example-networks.js'
import { tsharkFields, tsharkSummary } from '../../support/tshark.js'

const decodeAs = ['tcp.port==5001,data', 'tcp.port==80,data', 'udp.port==9,data', 'udp.port==514,data']

/** What the analysis may say of a network whose path loses, or whose server is flooded. */
const explained: Readonly<Record<string, readonly string[]>> = {
  'lossy-path': [
    'tcp.analysis.retransmission',
    'tcp.analysis.fast_retransmission',
    'tcp.analysis.out_of_order',
    'tcp.analysis.duplicate_ack',
    // A hole was filled, and the reader takes all that was behind it.
    'tcp.analysis.window_update',
  ],
  // Alice knocks again.
  'syn-flood': ['tcp.analysis.retransmission'],
}

describe('the example networks, as tshark sees them', () => {
  it.each(exampleNetworks)('%s: nothing malformed, no bad checksum, no flag that is not explained', (name) => {
    const run = exampleNetwork(name).run()
    expect(run.run()).toBe(true)
    const wrong = ['ip', 'tcp', 'udp', 'icmp', 'icmpv6'].map((protocol) => `${protocol}.checksum.status == "Bad"`)
    const fine = (explained[name] ?? []).map((flag) => ` && !${flag}`).join('')
    const filter = ['_ws.malformed', '_ws.short', ...wrong, `(tcp.analysis.flags${fine})`].join(' || ')
    for (const tap of run.network.taps) {
      expect(tap.lastPacket, tap.name).toBeGreaterThan(0)
      expect(tsharkSummary(tap.toPcapng(), { decodeAs, filter }), tap.name).toEqual([])
    }
  })

  it('reads all taps of a network from one file, in order of time', () => {
    const run = exampleNetwork('double-tag').run()
    run.run()
    const packets = tsharkFields(mergedCapture(run.network.taps), [
      'frame.interface_name',
      'frame.time_epoch',
      'vlan.id',
    ])
    expect(packets).toHaveLength(run.network.taps.reduce((sum, tap) => sum + tap.lastPacket, 0))
    expect(new Set(packets.map((packet) => packet['frame.interface_name']))).toEqual(
      new Set(['mallory', 'trunk', 'victim']),
    )
    const times = packets.map((packet) => Number(packet['frame.time_epoch']))
    expect(times).toEqual([...times].sort((a, b) => a - b))
    // Both tags at Mallory; on the trunk the inner one, and both once the native VLAN is another.
    const hop = packets.filter(({ 'vlan.id': id }) => id === '1,20')
    expect(hop.map((packet) => packet['frame.interface_name'])).toEqual(['mallory', 'mallory', 'trunk'])
    expect(packets.some((packet) => packet['frame.interface_name'] === 'trunk' && packet['vlan.id'] === '20')).toBe(
      true,
    )
  })
})
