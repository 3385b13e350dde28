import { describe, expect, it } from 'vitest'
import { milliseconds, seconds } from '../../../core/base/units.js'
import { CaptureIndex } from '../../../core/capture/capture-index.js'
import { espFields } from '../../../core/capture/dissect/esp.js'
import { isakmpFields } from '../../../core/capture/dissect/isakmp.js'
import { CaptureFileSource } from '../../../core/capture/frame-source.js'
import { packetValues } from '../../../core/capture/packet-facts.js'
import { summarisePacket } from '../../../core/capture/packet-summary.js'
import { foundText } from '../../../core/capture/value-sink.js'
import { hexOf } from '../../../core/base/octets.js'
import type { EspKeys } from '../../../core/secure/esp/esp-packet.js'
import { encodeEthernet, ETHERTYPE } from '../../../core/net/wire/ethernet.js'
import { encodeIpv6, Ipv6Header } from '../../../core/net/wire/ipv6.js'
import { PcapngWriter } from '../../../core/net/wire/pcapng.js'
import { encodeUdp } from '../../../core/net/wire/udp.js'
import { exchangeOver, ikePair, localAddress, remoteAddress } from '../../support/ike-pair.js'
import { ipsecOf } from '../../support/ipsec.js'
import { bootedSession } from '../../support/lab-session.js'
import { tsharkComplaints, tsharkFieldNames, tsharkFields } from '../../support/tshark.js'

/** Wireshark's table of associations, a preference each. */
function espPreferences(keys: readonly EspKeys[]): string[] {
  return [
    ...['-o', 'esp.enable_encryption_decode:TRUE', '-o', 'esp.enable_authentication_check:TRUE'],
    ...keys.flatMap(({ spi, key, salt }) => {
      const cipher = ['AES-GCM with 16 octet ICV [RFC4106]', `0x${hexOf(key)}${hexOf(salt)}`]
      const columns = ['IPv6', '*', '*', `0x${spi.toString(16)}`, ...cipher, 'NULL', '']
      const row = columns.map((column) => `"${column}"`).join(',')
      return ['-o', `uat:esp_sa:${row}`]
    }),
  ]
}

/** What our own dissection says of ESP and of the key exchange is what tshark says. */
function expectSameFields(capture: Uint8Array): void {
  const known = tsharkFieldNames()
  const definitions = [...Object.values(espFields), ...Object.values(isakmpFields)].filter(
    ({ name, kind }) => known.has(name) && kind !== 'protocol' && name !== 'esp.encrypted_data',
  )
  const names = definitions.map(({ name }) => name)
  expect(names).toContain('isakmp.exchangetype')
  const rows = tsharkFields(capture, ['frame.number', ...names, '_ws.col.Info'], { filter: 'esp || isakmp' })
  const index = new CaptureIndex(new CaptureFileSource(capture))
  index.update()
  const ours = rows.map((row) => {
    const number = Number(row['frame.number'])
    const values = packetValues(index, number, new Set(definitions))
    const texts = definitions.map(({ name, kind, base }) => {
      const text =
        values
          ?.all(definitions.find((each) => each.name === name)!)
          .map(foundText)
          .join(',') ?? ''
      const digits = kind === 'uint32' ? 8 : 2
      return [name, base === 'hex' && text !== '' ? `0x${Number(text).toString(16).padStart(digits, '0')}` : text]
    })
    const isExchange = row['isakmp.exchangetype'] !== ''
    return {
      'frame.number': String(number),
      ...(Object.fromEntries(texts) as Record<string, string>),
      '_ws.col.Info': isExchange ? summarisePacket(index, number)?.info : row['_ws.col.Info'],
    }
  })
  expect(ours).toEqual(rows)
  expect(rows.filter((row) => row['isakmp.exchangetype'] !== '')).toHaveLength(4)
}

describe.each(['esp', 'esp-tunnel'] as const)('channel %s, as tshark sees it', (channel) => {
  it('is ESP with sequence numbers to whoever has no keys, and a clean TCP connection to whoever has', () => {
    const session = bootedSession({ migration: { channel } })
    session.do({ kind: 'migrate' })
    session.runWhile(({ isMigrating }) => isMigrating, seconds(60))
    session.runFor(milliseconds(300))
    expect(session.trace.rows('migration-status').at(-1)?.status).toBe('completed')
    const { rack } = session.world
    const capture = rack.tap.toPcapng()
    const keys = ipsecOf(rack.hostA.stack).policies.keysInUse()
    expect(keys).toHaveLength(2)

    const sealed = tsharkFields(capture, ['esp.spi', 'esp.sequence', 'ipv6.src', 'tcp.port'], { filter: 'esp' })
    expect(sealed.length).toBeGreaterThan(1000)
    for (const { spi, source } of [
      { spi: keys[0]?.spi, source: 'fd00::a00:1' },
      { spi: keys[1]?.spi, source: 'fd00::a00:2' },
    ]) {
      const ofOne = sealed.filter((packet) => Number(packet['esp.spi']) === spi)
      expect(ofOne.map((packet) => Number(packet['esp.sequence']))).toEqual(ofOne.map((_, index) => index + 1))
      expect(new Set(ofOne.map((packet) => packet['ipv6.src']))).toEqual(new Set([source]))
    }
    expect(sealed.every((packet) => packet['tcp.port'] === '')).toBe(true)

    const extra = espPreferences(keys)
    const decodeAs = ['tcp.port==49152,data']
    const opened = tsharkFields(
      capture,
      ['frame.len', 'esp.icv_good', 'tcp.dstport', 'tcp.checksum.status', 'frame.protocols', 'tcp.options.mss_val'],
      { filter: 'esp', extra, decodeAs },
    )
    expect(new Set(opened.map((packet) => packet['esp.icv_good']))).toEqual(new Set(['1']))
    expect(new Set(opened.map((packet) => packet['tcp.checksum.status']))).toEqual(new Set(['1']))
    expect(opened.every((packet) => packet['frame.protocols'].includes('esp:tcp') === (channel === 'esp'))).toBe(true)
    expect(opened[0]?.['tcp.options.mss_val']).toBe(channel === 'esp' ? '1406' : '1366')
    expectSameFields(capture)
    // Full segments fill the link's 1,500 octets to the last four, and nothing was cut.
    expect(Math.max(...opened.map((packet) => Number(packet['frame.len'])))).toBe(1514)
    expect(tsharkFields(capture, ['frame.number'], { filter: 'ipv6.fraghdr' })).toEqual([])
    expect(tsharkComplaints(capture, { extra, decodeAs })).toEqual([])
  })
})

describe('the key exchange, as tshark sees it', () => {
  it('is four messages of IKEv2, whose sealed parts the keys open', () => {
    const { initiator, responder } = ikePair({ mode: 'transport' })
    const writer = new PcapngWriter()
    const eth0 = writer.addInterface('eth0')
    const messages = exchangeOver(initiator, responder)
    messages.forEach(({ octets, fromInitiator }, index) => {
      const [source, destination] = fromInitiator ? [localAddress, remoteAddress] : [remoteAddress, localAddress]
      const udp = encodeUdp({ sourcePort: 500, destinationPort: 500, payload: octets }, { source, destination })
      const packet = encodeIpv6({ ...new Ipv6Header(), source, destination, protocol: 17, payload: udp })
      const frame = { destination: 2, source: 1, vlan: null, etherType: ETHERTYPE.ipv6, payload: packet }
      writer.addPacket(eth0, index, encodeEthernet(frame))
    })
    const { keys, initiatorSpi, responderSpi } = initiator
    const secret = ({ key, salt }: { key: Uint8Array; salt: Uint8Array }) => `${hexOf(key)}${hexOf(salt)}`
    const row = [hexOf(initiatorSpi), hexOf(responderSpi), secret(keys!.toResponder), secret(keys!.toInitiator)]
    const columns = [...row, '"AES-GCM-256 with 16 octet ICV [RFC5282]"', '', '', '"NONE [RFC4306]"']
    const packets = tsharkFields(
      writer.take(),
      [
        'isakmp.exchangetype',
        'isakmp.typepayload',
        'isakmp.tf.id.encr',
        'isakmp.notify.msgtype',
        'isakmp.id.data.fqdn',
        'isakmp.enc.pad_length',
        '_ws.malformed',
      ],
      { extra: ['-o', `uat:ikev2_decryption_table:${columns.join(',')}`] },
    )
    expect(packets).toMatchInlineSnapshot(`
      [
        {
          "_ws.malformed": "",
          "isakmp.enc.pad_length": "",
          "isakmp.exchangetype": "34",
          "isakmp.id.data.fqdn": "",
          "isakmp.notify.msgtype": "16431",
          "isakmp.tf.id.encr": "20",
          "isakmp.typepayload": "33,2,3,3,3,34,40,41",
        },
        {
          "_ws.malformed": "",
          "isakmp.enc.pad_length": "",
          "isakmp.exchangetype": "34",
          "isakmp.id.data.fqdn": "",
          "isakmp.notify.msgtype": "16431",
          "isakmp.tf.id.encr": "20",
          "isakmp.typepayload": "33,2,3,3,3,34,40,41",
        },
        {
          "_ws.malformed": "",
          "isakmp.enc.pad_length": "0",
          "isakmp.exchangetype": "35",
          "isakmp.id.data.fqdn": "host-a",
          "isakmp.notify.msgtype": "16391",
          "isakmp.tf.id.encr": "20",
          "isakmp.typepayload": "46,35,39,33,2,3,3,44,45,41",
        },
        {
          "_ws.malformed": "",
          "isakmp.enc.pad_length": "0",
          "isakmp.exchangetype": "35",
          "isakmp.id.data.fqdn": "host-b",
          "isakmp.notify.msgtype": "16391",
          "isakmp.tf.id.encr": "20",
          "isakmp.typepayload": "46,36,39,33,2,3,3,44,45,41",
        },
      ]
    `)
  })
})
