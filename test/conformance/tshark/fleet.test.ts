import { describe, expect, it } from 'vitest'
import { seconds } from '../../../core/base/units.js'
import { tsharkFields } from '../../support/tshark.js'
import { fleetOf } from '../../support/watched-fleet.js'

describe('the orchestrator’s port', () => {
  it('shows Wireshark ASF messages that switch an empty host off, and their answers', () => {
    const fleet = fleetOf({
      policy: 'consolidate',
      hosts: { count: 2, cores: 1 },
      guests: [{ count: 1, load: '2%', on: 'host-02' }],
      orchestrator: { adverts: '500ms', decisions: '1s' },
    })
    fleet.runUntil(seconds(3))
    expect(fleet.hosts.map(({ state }) => state)).toEqual(['off', 'on'])
    const fields = ['ip.dst', 'rmcp.version', 'rmcp.class', 'asf.iana', 'asf.type', 'asf.len', '_ws.malformed'] as const
    const messages = tsharkFields(fleet.tap.toPcapng(), fields, { filter: 'asf' })
    const asf = { 'rmcp.version': '0x06', 'rmcp.class': '0x06', 'asf.iana': '4542', '_ws.malformed': '' }
    const sent = { ...asf, 'ip.dst': '10.0.1.1', 'asf.len': '0' }
    expect(messages).toEqual([
      { ...sent, 'asf.type': '0x12' },
      { ...sent, 'asf.type': '0x82' },
      { ...asf, 'ip.dst': '10.0.3.1', 'asf.type': '0x42', 'asf.len': '4' },
    ])
  })
})
