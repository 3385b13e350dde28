/** A route that somebody takes over, and routers that come up side by side. */
import { describe, expect, it } from 'vitest'
import { seconds } from '../../../../core/base/units.js'
import { IP_PROTOCOL } from '../../../../core/net/wire/ipv4.js'
import { encodeRip, RIP_COMMAND, RIP_PORT } from '../../../../core/net/wire/rip.js'
import { encodeUdp } from '../../../../core/net/wire/udp.js'
import { addressOf, ipv4Frame, signsOf, signWords, type TimedFrame } from '../../../support/signs-of.js'

const NET = 0x0a02_0000
function announcement(atSeconds: number, from: number, prefixLength: number, metric = 1, prefix = NET): TimedFrame {
  const route = { family: 2, routeTag: 0, prefix, prefixLength, nextHop: 0, metric }
  const payload = encodeRip({ command: RIP_COMMAND.response, entries: [route], authentication: null })
  const pair = { source: addressOf(from), destination: addressOf(9) }
  const udp = encodeUdp({ sourcePort: RIP_PORT, destinationPort: RIP_PORT, payload }, pair)
  return { atNs: seconds(atSeconds), octets: ipv4Frame({ from, to: 9 }, IP_PROTOCOL.udp, udp) }
}

describe('a route that is taken over', () => {
  it('is a more specific or cheaper one of a neighbour that was silent until then', () => {
    const frames = [announcement(0, 1, 24), announcement(30, 1, 24), announcement(40, 66, 25)]
    expect(signWords(frames)).toEqual(['route-taken-over 2 3'])
    expect(signsOf(frames)[0]?.text).toBe(
      '10.0.0.1 leads to 10.2.0.0/24, and 10.0.0.66, a new neighbour, announces 10.2.0.0/25 for 1',
    )
    expect(signWords([announcement(0, 1, 24, 2), announcement(40, 66, 24, 1)])).toEqual(['route-taken-over 1 2'])
  })

  it('is none of routers that start together, of dearer ones, of what cannot be reached, or of other networks', () => {
    expect(signWords([announcement(0, 1, 24, 2), announcement(3, 2, 24, 1), announcement(33, 2, 25, 1)])).toEqual([])
    expect(signWords([announcement(0, 1, 24, 2), announcement(40, 2, 24, 3)])).toEqual([])
    expect(signWords([announcement(0, 1, 24, 2), announcement(40, 2, 25, 16)])).toEqual([])
    expect(signWords([announcement(0, 1, 24, 2), announcement(40, 2, 24, 1, NET + 0x0001_0000)])).toEqual([])
    expect(signWords([announcement(0, 1, 0, 2), announcement(40, 2, 24, 1)])).toEqual([])
  })
})
