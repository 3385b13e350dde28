/**
 * A frame in words, layer after layer, as Scapy has them: `Ether(dst="02:…")/IP(src="10.0.0.2", dst="10.0.0.1")/TCP(dport=22,
 * flags="S")/"text"`. What is not said is what a station would put there.
 */
import { InputError } from '../../base/errors.js'
import { latin1Octets } from '../../base/octets.js'
import {
  MAC_BROADCAST,
  parseIpv4,
  parseIpv6,
  parseMac,
  type Ipv4Address,
  type MacAddress,
} from '../../net/wire/addresses.js'
import { ARP_OPERATION, encodeArp } from '../../net/wire/arp.js'
import { encodeEthernet, ETHERTYPE } from '../../net/wire/ethernet.js'
import { encodeIcmp, ICMP_TYPE } from '../../net/wire/icmp.js'
import { encodeIcmpv6 } from '../../net/wire/icmpv6.js'
import { encodeIpv4, IP_PROTOCOL, Ipv4Header } from '../../net/wire/ipv4.js'
import { encodeIpv6, Ipv6Header } from '../../net/wire/ipv6.js'
import { encodeNeighbourMessage } from '../../net/wire/neighbour-discovery.js'
import { encodeTcp, TCP_FLAG, TcpHeader } from '../../net/wire/tcp.js'
import { encodeUdp, type AddressPair } from '../../net/wire/udp.js'

export interface FrameSender {
  readonly mac: MacAddress
  readonly address: Ipv4Address
}

type Given = ReadonlyMap<string, string>

interface Layer {
  readonly name: string
  readonly given: Given
}

/** What each layer may be given, and in what it may be put. */
const LAYERS: Readonly<Record<string, { readonly fields: readonly string[]; readonly inside: readonly string[] }>> = {
  Ether: { fields: ['dst', 'src', 'type'], inside: [] },
  ARP: { fields: ['op', 'hwsrc', 'psrc', 'hwdst', 'pdst'], inside: ['Ether'] },
  IP: { fields: ['src', 'dst', 'ttl', 'id'], inside: ['Ether'] },
  IPv6: { fields: ['src', 'dst', 'hlim'], inside: ['Ether'] },
  TCP: { fields: ['sport', 'dport', 'flags', 'seq', 'ack', 'window'], inside: ['IP', 'IPv6'] },
  UDP: { fields: ['sport', 'dport'], inside: ['IP', 'IPv6'] },
  ICMP: { fields: ['type', 'code', 'id', 'seq'], inside: ['IP'] },
  ICMPv6ND_NA: { fields: ['tgt', 'lladdr'], inside: ['IPv6'] },
  Raw: { fields: ['load'], inside: ['Ether', 'IP', 'IPv6', 'TCP', 'UDP', 'ICMP'] },
}
const FLAG_LETTERS: Readonly<Record<string, number>> = {
  F: TCP_FLAG.fin,
  S: TCP_FLAG.syn,
  R: TCP_FLAG.rst,
  P: TCP_FLAG.psh,
  A: TCP_FLAG.ack,
  U: TCP_FLAG.urg,
}
const LAYER = /^([A-Za-z]\w*)\(((?:"[^"]*"|[^")])*)\)|^"([^"]*)"/
const FIELD = /^\s*(\w+)\s*=\s*(?:"([^"]*)"|(0x[0-9a-fA-F]{1,8}|\d{1,10}))\s*(?:,|$)/
const FRAME_PAYLOAD_MAX = 1500

/** The frame that `text` stands for. Throws `InputError`. */
export function frameOf(text: string, sender: FrameSender): Uint8Array {
  const [ethernet, ...inner] = layersOf(text)
  if (ethernet?.name !== 'Ether') throw new InputError('a frame begins with Ether(): Ether(dst="02:00:00:00:00:01")/…')
  const { payload, etherType } = insideOf(inner, sender)
  if (payload.length > FRAME_PAYLOAD_MAX) throw new InputError(`${payload.length} octets: a frame has room for 1500`)
  return encodeEthernet({
    destination: macIn(ethernet.given, 'dst', MAC_BROADCAST),
    source: macIn(ethernet.given, 'src', sender.mac),
    vlan: null,
    etherType: numberIn(ethernet.given, 'type', etherType, 0xffff),
    payload,
  })
}

function layersOf(text: string): Layer[] {
  const layers: Layer[] = []
  let rest = text.trim()
  while (rest !== '') {
    const found = LAYER.exec(rest)
    if (found === null) throw new InputError(`${rest.slice(0, 40)}: a layer is a name and what it is given: ARP(op=2)`)
    const [whole, name = 'Raw', fields = '', load] = found
    const given = load === undefined ? fieldsOf(name, fields) : new Map([['load', load]])
    const outer = layers.at(-1)?.name
    if (outer !== undefined && LAYERS[name]?.inside.includes(outer) !== true)
      throw new InputError(`${name} cannot be in ${outer}`)
    layers.push({ name, given })
    rest = rest.slice(whole.length)
    if (rest !== '' && !/^\/./.test(rest)) throw new InputError(`${rest.slice(0, 40)}: layers are joined by a stroke /`)
    rest = rest.slice(1)
  }
  return layers
}

function fieldsOf(name: string, text: string): Given {
  const layer = Object.hasOwn(LAYERS, name) ? LAYERS[name] : undefined
  if (layer === undefined) throw new InputError(`${name}: choose a layer of ${Object.keys(LAYERS).join(', ')}`)
  const given = new Map<string, string>()
  let rest = text
  while (rest.trim() !== '') {
    const found = FIELD.exec(rest)
    const [whole = '', field = '', quoted, number = ''] = found ?? []
    if (found === null) throw new InputError(`${name}(${rest.trim()}): write field=1 or field="text", with commas`)
    if (!layer.fields.includes(field))
      throw new InputError(`${name} has no ${field}: choose one of ${layer.fields.join(', ')}`)
    given.set(field, quoted ?? number)
    rest = rest.slice(whole.length)
  }
  return given
}

function insideOf(
  [layer, ...inner]: readonly Layer[],
  sender: FrameSender,
): { etherType: number; payload: Uint8Array } {
  const given: Given = layer?.given ?? new Map<string, string>()
  switch (layer?.name) {
    case 'ARP':
      return { etherType: ETHERTYPE.arp, payload: arpOf(given, sender) }
    case 'IP': {
      const pair = { source: addressIn(given, 'src', sender.address), destination: addressIn(given, 'dst') }
      const message = messageOf(inner, pair)
      const header = Object.assign(new Ipv4Header(), {
        ...pair,
        ttl: numberIn(given, 'ttl', 64, 0xff),
        identification: numberIn(given, 'id', 1, 0xffff),
        protocol: message.protocol,
        payload: message.payload,
      })
      return { etherType: ETHERTYPE.ipv4, payload: encodeIpv4(header) }
    }
    case 'IPv6': {
      const pair = { source: parseIpv6(neededIn(given, 'src')), destination: parseIpv6(neededIn(given, 'dst')) }
      const message = messageOf(inner, pair)
      const header = Object.assign(new Ipv6Header(), {
        ...pair,
        // RFC 4861, section 7.1: neighbours' messages have crossed no router.
        ttl: numberIn(given, 'hlim', message.protocol === IP_PROTOCOL.icmpv6 ? 255 : 64, 0xff),
        protocol: message.protocol,
        payload: message.payload,
      })
      return { etherType: ETHERTYPE.ipv6, payload: encodeIpv6(header) }
    }
    default:
      return { etherType: 0x88b5, payload: loadOf(layer) }
  }
}

function arpOf(given: Given, { mac, address }: FrameSender): Uint8Array {
  return encodeArp({
    operation: numberIn(given, 'op', ARP_OPERATION.request, 0xffff),
    senderMac: macIn(given, 'hwsrc', mac),
    senderAddress: addressIn(given, 'psrc', address),
    targetMac: macIn(given, 'hwdst', 0),
    targetAddress: addressIn(given, 'pdst'),
  })
}

/** What is in an IP packet. */
function messageOf([layer, raw]: readonly Layer[], pair: AddressPair): { protocol: number; payload: Uint8Array } {
  const given: Given = layer?.given ?? new Map<string, string>()
  const payload = loadOf(raw)
  const ports = (): { sourcePort: number; destinationPort: number } => ({
    sourcePort: numberIn(given, 'sport', 1024, 0xffff),
    destinationPort: numberIn(given, 'dport', 80, 0xffff),
  })
  switch (layer?.name) {
    case 'TCP': {
      const segment = Object.assign(new TcpHeader(), {
        ...ports(),
        sequence: numberIn(given, 'seq', 0, 0xffff_ffff),
        acknowledgment: numberIn(given, 'ack', 0, 0xffff_ffff),
        flags: flagsIn(given),
        window: numberIn(given, 'window', 8192, 0xffff),
        payload,
      })
      return { protocol: IP_PROTOCOL.tcp, payload: encodeTcp(segment, pair) }
    }
    case 'UDP':
      return { protocol: IP_PROTOCOL.udp, payload: encodeUdp({ ...ports(), payload }, pair) }
    case 'ICMP': {
      const type = numberIn(given, 'type', ICMP_TYPE.echoRequest, 0xff)
      const [code, identifier, sequence] = [
        numberIn(given, 'code', 0, 0xff),
        numberIn(given, 'id', 0, 0xffff),
        numberIn(given, 'seq', 0, 0xffff),
      ]
      return { protocol: IP_PROTOCOL.icmp, payload: encodeIcmp({ type, code, identifier, sequence, payload }) }
    }
    case 'ICMPv6ND_NA': {
      const message = encodeNeighbourMessage({
        kind: 'neighbour-advertisement',
        target: parseIpv6(neededIn(given, 'tgt')),
        targetMac: parseMac(neededIn(given, 'lladdr')),
        ...{ isRouter: false, isSolicited: false, isOverride: true },
      })
      return { protocol: IP_PROTOCOL.icmpv6, payload: encodeIcmpv6(message, pair) }
    }
    default:
      // IANA keeps 253 for experiments (RFC 3692).
      return { protocol: 253, payload: loadOf(layer) }
  }
}

function loadOf(layer: Layer | undefined): Uint8Array {
  return latin1Octets(layer?.given.get('load') ?? '')
}

function flagsIn(given: Given): number {
  const letters = given.get('flags') ?? 'S'
  return [...letters].reduce((flags, letter) => {
    const flag = FLAG_LETTERS[letter]
    if (flag === undefined) throw new InputError(`flags="${letters}": letters of ${Object.keys(FLAG_LETTERS).join('')}`)
    return flags | flag
  }, 0)
}

function numberIn(given: Given, field: string, otherwise: number, max: number): number {
  const text = given.get(field)
  if (text === undefined) return otherwise
  const value = Number(text)
  if (!/^(?:0x[0-9a-f]+|\d+)$/i.test(text) || value > max)
    throw new InputError(`${field}=${text}: a whole number from 0 to ${max}`)
  return value
}

function neededIn(given: Given, field: string): string {
  const text = given.get(field)
  if (text === undefined) throw new InputError(`say ${field}="…" too`)
  return text
}

function macIn(given: Given, field: string, otherwise: MacAddress): MacAddress {
  const text = given.get(field)
  return text === undefined ? otherwise : parseMac(text)
}

function addressIn(given: Given, field: string, otherwise?: Ipv4Address): Ipv4Address {
  const text = otherwise === undefined ? neededIn(given, field) : given.get(field)
  return text === undefined ? (otherwise ?? 0) : parseIpv4(text)
}
