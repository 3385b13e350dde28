import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { summarisePacket } from '../../../core/session/packet-summary.js'
import { bootedSession, migrateToEnd } from '../../support/lab-session.js'

describe('summarisePacket', () => {
  it('names what crosses the wire in a migration', () => {
    const session = bootedSession({ migration: { channel: 'ssh' } })
    migrateToEnd(session)
    const { tap } = session.world.rack
    const seen = Array.from({ length: tap.lastPacket }, (_, index) => summarisePacket(tap.frame(index + 1)!))
    expect(new Set(seen.map(({ protocol }) => protocol))).toEqual(new Set(['ARP', 'ICMP', 'TCP', 'SSH', 'RARP']))
    expect(seen.find(({ protocol }) => protocol === 'ARP')?.info).toMatch(/^who has 10\.0\.0\.\d+\? tell/)
    expect(seen.find(({ protocol }) => protocol === 'SSH')?.info).toMatch(/SSH-2\.0-/)
    expect(seen.find(({ protocol }) => protocol === 'RARP')?.info).toBe('announcement: 52:54:00:12:34:56 is here now')
    expect(seen.find(({ info }) => info.startsWith('SYN '))).toMatchObject({ protocol: 'TCP' })
  })

  it('says something of any octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (octets) => {
        const { protocol, info } = summarisePacket(octets)
        expect(protocol).not.toBe('')
        expect(info).not.toBe('')
      }),
    )
  })
})
