import { describe, expect, it } from 'vitest'
import { CaptureIndex } from '../../../../core/capture/capture-index.js'
import { allFields } from '../../../../core/capture/fields.js'
import { completions } from '../../../../core/capture/filter/completions.js'
import { DisplayFilter } from '../../../../core/capture/filter/display-filter.js'
import { FilterError } from '../../../../core/capture/filter/filter-error.js'
import { FrameList } from '../../../support/frame-list.js'
import { handMadeFrames } from '../../../support/hand-made-frames.js'

const names = Object.keys(handMadeFrames)
const index = new CaptureIndex(new FrameList(Object.values(handMadeFrames)))
index.update()

/** The names of the frames that match. */
function found(filter: string): string[] {
  const packets = new DisplayFilter(index, filter).matchRange(1, index.lastPacket + 1)
  return Array.from(packets, (packet) => names[packet - 1]!)
}

function errorOf(filter: string): FilterError {
  try {
    new DisplayFilter(index, filter)
  } catch (error) {
    if (error instanceof FilterError) return error
    throw error
  }
  throw new Error(`${filter} was taken`)
}

describe('DisplayFilter', () => {
  it('matches everything when nothing is asked for', () => {
    expect(found('  ')).toHaveLength(names.length)
  })

  it('takes any value of a field for == and all of them for !=', () => {
    expect(found('ip.addr == 10.0.0.1 && icmp')).toHaveLength(7)
    expect(found('ip.addr != 10.0.0.1')).toEqual([])
    expect(found('ip && ip.ttl != 64')).toEqual(['echo reply'])
    expect(found('vlan.id == 200')).toEqual(['stacked 802.1Q'])
    expect(found('vlan.id != 100')).toEqual(['802.1Q'])
  })

  it('looks into the packet that an error quotes', () => {
    expect(found('udp.dstport == 5000 && icmp')).toEqual(['port unreachable', 'redirect', 'time exceeded'])
  })

  it('compares octets, text and parts of them', () => {
    expect(found('rip.auth.passwd contains "sesame"')).toEqual(['RIP with a password'])
    expect(found('rip.auth.passwd matches "^OPEN"')).toEqual(['RIP with a password'])
    expect(found('dtp.senderid[3:] == 00:00:01')).toEqual(['DTP'])
    expect(found('tcp.flags & 0x04')).toEqual(['reset'])
    expect(found('dtp.tas == "Desirable"')).toEqual(['DTP'])
  })

  it('knows names, precedence, sets and ranges', () => {
    expect(found('arp.opcode eq 2 or rip and rip.metric gt 15')).toEqual(['ARP reply', 'RIP response'])
    expect(found('tcp.dstport in {22, 49155..49157}')).toEqual([
      'data that is pushed',
      'reset',
      'TCP with a wrong checksum',
      'TCP over IPv6',
    ])
    expect(found('icmpv6 && icmpv6.type not in {128..136}')).toEqual(['packet too big', 'ICMPv6 port unreachable'])
  })

  it('gives the same packets from columns and by dissection', () => {
    // `ip.src == ip.src` is compared by dissection alone.
    expect(found('ip.src == ip.src')).toEqual(found('ip'))
    expect(found('tcp.srcport == tcp.srcport && tcp.flags.syn == 1')).toEqual(found('tcp.flags.syn == 1'))
  })

  it('says where a mistake is, and what was perhaps meant', () => {
    expect(errorOf('tcp.prot == 80')).toMatchObject({
      start: 0,
      end: 8,
      suggestions: expect.arrayContaining(['tcp.port']) as string[],
    })
    expect(errorOf('tcp.port == 70000')).toMatchObject({ start: 12, end: 17 })
    expect(errorOf('tcp.port ==').reason).toBe('the filter ends here: a field or a value is missing')
    expect(errorOf('ip.addr == 10.0.0.300').start).toBe(11)
    expect(errorOf('(tcp').reason).toContain('")" is missing')
    expect(errorOf('frame contains "x').reason).toContain('closing quote')
    expect(errorOf('frame matches "("').start).toBe(14)
    expect(errorOf('tcp && $').start).toBe(7)
    expect(errorOf(`${'('.repeat(200)}tcp`).reason).toBe('nested too deep')
  })

  it('works slice by slice', () => {
    const filter = new DisplayFilter(index, 'tcp')
    const slices = [1, 11, 21, 31].flatMap((from) => Array.from(filter.matchRange(from, from + 10)))
    expect(slices).toEqual(Array.from(filter.matchRange(1, index.lastPacket + 1)))
    expect(slices.every((packet) => filter.matches(packet))).toBe(true)
  })
})

describe('completions', () => {
  it('go on from the word before the cursor', () => {
    const found = completions('arp || tcp.fl', 13)
    expect(found[0]).toMatchObject({ text: 'tcp.flags', start: 7, end: 13 })
    expect(completions('ip.addr == 10.', 14)).toEqual([])
  })
})

describe('fields', () => {
  it('have names of their own', () => {
    const all = allFields.map(({ name }) => name)
    expect(new Set(all).size).toBe(all.length)
  })
})
