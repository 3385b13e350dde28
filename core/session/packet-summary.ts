/** A captured frame in one line, as tcpdump would say it. */
import { protocolOf } from '../attack/protocol-opening.js'
import { WireError } from '../base/errors.js'
import { latin1Text } from '../base/octets.js'
import { ipv4Text, macText } from '../net/wire/addresses.js'
import { ARP_OPERATION, decodeArp } from '../net/wire/arp.js'
import { decodeEthernet, ETHERTYPE } from '../net/wire/ethernet.js'
import { decodeIcmp, ICMP_TYPE } from '../net/wire/icmp.js'
import { decodeIpv4, IP_PROTOCOL } from '../net/wire/ipv4.js'
import { decodeTcp, TCP_FLAG } from '../net/wire/tcp.js'
import { MIGRATION_PORT, SSH_PORT } from '../secure/channels.js'

export interface PacketSummary {
  readonly source: string
  readonly destination: string
  readonly protocol: string
  readonly info: string
}

export function summarisePacket(frame: Uint8Array): PacketSummary {
  try {
    return summarise(frame)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    return { source: '?', destination: '?', protocol: 'malformed', info: error.message }
  }
}

function summarise(frame: Uint8Array): PacketSummary {
  const { source, destination, etherType, payload } = decodeEthernet(frame)
  const macs = { source: macText(source), destination: macText(destination) }
  switch (etherType) {
    case ETHERTYPE.arp: {
      const { operation, senderAddress, targetAddress, senderMac } = decodeArp(payload)
      const asks = operation === ARP_OPERATION.request
      const info = asks
        ? `who has ${ipv4Text(targetAddress)}? tell ${ipv4Text(senderAddress)}`
        : `${ipv4Text(senderAddress)} is at ${macText(senderMac)}`
      return { ...macs, protocol: 'ARP', info }
    }
    case ETHERTYPE.rarp:
      return { ...macs, protocol: 'RARP', info: `announcement: ${macs.source} is here now` }
    case ETHERTYPE.ipv4:
      return summariseIpv4(payload)
    default:
      return { ...macs, protocol: `0x${etherType.toString(16).padStart(4, '0')}`, info: `${payload.length} octets` }
  }
}

function summariseIpv4(octets: Uint8Array): PacketSummary {
  const packet = decodeIpv4(octets)
  const { payload } = packet
  const ends = { source: ipv4Text(packet.source), destination: ipv4Text(packet.destination) }
  if (packet.protocol === IP_PROTOCOL.icmp) {
    const { type, sequence } = decodeIcmp(payload)
    const kind =
      type === ICMP_TYPE.echoRequest ? 'echo request' : type === ICMP_TYPE.echoReply ? 'echo reply' : `type ${type}`
    return { ...ends, protocol: 'ICMP', info: `${kind}, seq ${sequence}` }
  }
  if (packet.protocol !== IP_PROTOCOL.tcp)
    return { ...ends, protocol: `IP ${packet.protocol}`, info: `${payload.length} octets` }
  const segment = decodeTcp(payload, packet)
  const ports = [segment.sourcePort, segment.destinationPort]
  const protocol = ports.includes(SSH_PORT) ? 'SSH' : ports.includes(MIGRATION_PORT) ? 'migration' : 'TCP'
  const names = Object.entries(TCP_FLAG)
    .filter(([name, bit]) => (segment.flags & bit) !== 0 && name !== 'psh')
    .map(([name]) => name.toUpperCase())
  const data = segment.payload
  return {
    source: `${ends.source}:${segment.sourcePort}`,
    destination: `${ends.destination}:${segment.destinationPort}`,
    protocol: data.length === 0 ? 'TCP' : protocol,
    info: `${names.join(',')} seq ${segment.sequence}${data.length === 0 ? '' : `, ${data.length} octets`}${openingWords(data)}`,
  }
}

function openingWords(data: Uint8Array): string {
  switch (protocolOf(data)) {
    case 'qevm':
      return ', QEVM stream begins'
    case 'ssh':
      return `, ${latin1Text(data.subarray(0, 40)).trim()}`
    default:
      return ''
  }
}
