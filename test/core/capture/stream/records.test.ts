/** Record channels and vMotion's offers, as the packet view shows them. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatOctets, latin1Octets } from '../../../../core/base/octets.js'
import { CaptureIndex } from '../../../../core/capture/capture-index.js'
import { DisplayFilter } from '../../../../core/capture/filter/display-filter.js'
import { summarisePacket } from '../../../../core/capture/packet-summary.js'
import { recordsProtocol } from '../../../../core/capture/stream/records.js'
import { UNIT } from '../../../../core/capture/stream/unit-walker.js'
import { recordChannelNames } from '../../../../core/secure/wire/records.js'
import type { ChannelName } from '../../../../core/session/scenario.js'
import { bootedSession, migrateToEnd } from '../../../support/lab-session.js'

function captured(channel: ChannelName, destinationCpu: 'same' | 'no-aes' = 'same') {
  const session = bootedSession({ migration: { channel, destinationCpu } })
  migrateToEnd(session)
  const index = new CaptureIndex(session.world.rack.tap)
  index.update()
  const found = (filter: string) =>
    Array.from(new DisplayFilter(index, filter).matchRange(1, index.lastPacket + 1), (packet) => {
      const summary = summarisePacket(index, packet)
      return `${summary?.protocol}: ${summary?.info}`
    })
  return found
}

describe('a record channel', () => {
  it.each(recordChannelNames)('%s shows its hellos, and each record with its length', (channel) => {
    const found = captured(channel)
    const hellos = found('records.magic')
    expect(hellos.map((text) => text.split(',')[0])).toEqual(Array(2).fill(`Records: Hello: ${channel}`))
    expect(found('records.type == 0')[0]).toContain(`Records: ${channel} data record (len=`)
    expect(found('records.type == 1')).not.toEqual([])
    expect(found('_ws.malformed.stream')).toEqual([])
    // Every octet of a body is in a field.
    expect(found('records.type == 0 && !records.sealed')).toEqual([])
    expect(found('records.rsa')).toHaveLength(channel.startsWith('rsa') ? 2 : 0)
  })

  it('is cut anywhere and of any octets without a throw, and says what could not be read on', () => {
    const hello = concatOctets([latin1Octets('MIDRECS1'), Uint8Array.of(2, 1, 0), new Uint8Array(32)])
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), fc.nat(299), (octets, isOpened, cut) => {
        const walker = recordsProtocol.makeWalker()
        const all = isOpened ? concatOctets([hello, octets]) : octets
        const at = Math.min(cut, all.length)
        walker.push(all, 0, at)
        walker.push(all, at, all.length)
        expect(walker.position).toBe(all.length)
        if (walker.units.last()?.type === UNIT.damaged) expect(walker.damage?.protocol).toBe('records')
      }),
    )
  })
})

describe('a vMotion', () => {
  it('shows who offered what, and the records that came of it', () => {
    const found = captured('vmotion-opportunistic')
    expect(found('vmotion.seals == 1')).toEqual(['vMotion: Offer: can seal', 'vMotion: Offer: can seal'])
    expect(found('records.type == 0').length).toBeGreaterThan(10)
  })

  it('shows a migration in clear behind a choice not to seal', () => {
    const found = captured('vmotion-opportunistic', 'no-aes')
    expect(found('vmotion')).toEqual(['vMotion: Offer: can seal', 'vMotion: Offer: in clear'])
    expect(found('qevm').length).toBeGreaterThan(100)
    expect(found('_ws.malformed.stream')).toEqual([])
  })
})
