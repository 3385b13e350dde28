/** What the list of packets calls the topmost protocol that a frame has, below what TCP carries. */
export const PROTOCOL = {
  unknown: 0,
  ethernet: 1,
  llc: 2,
  dtp: 3,
  arp: 4,
  rarp: 5,
  ipv4: 6,
  ipv6: 7,
  icmp: 8,
  icmpv6: 9,
  udp: 10,
  rip: 11,
  esp: 12,
  tcp: 13,
} as const

export const PROTOCOL_NAMES: readonly string[] = [
  'unknown',
  'Ethernet',
  'LLC',
  'DTP',
  'ARP',
  'RARP',
  'IPv4',
  'IPv6',
  'ICMP',
  'ICMPv6',
  'UDP',
  'RIP',
  'ESP',
  'TCP',
]
