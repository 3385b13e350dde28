/** All fields there are. */
import { arpFields } from './dissect/arp.js'
import { dataFields } from './dissect/data.js'
import { dtpFields } from './dissect/dtp.js'
import { espFields } from './dissect/esp.js'
import { ethernetFields } from './dissect/ethernet.js'
import { frameFields } from './dissect/frame.js'
import { icmpFields } from './dissect/icmp.js'
import { icmpv6Fields } from './dissect/icmpv6.js'
import { ipv4Fields } from './dissect/ipv4.js'
import { ipv6Fields } from './dissect/ipv6.js'
import { llcFields } from './dissect/llc.js'
import { isakmpFields } from './dissect/isakmp.js'
import { ripFields } from './dissect/rip.js'
import { tcpFields } from './dissect/tcp.js'
import { udpFields } from './dissect/udp.js'
import type { FieldDefinition } from './field.js'
import { qevmFields } from './dissect/qevm.js'
import { httpFields } from './stream/http.js'
import { multifdFields } from './stream/multifd.js'
import { libxcFields } from './stream/libxc.js'
import { naclFields } from './stream/nacl.js'
import { recordsFields } from './stream/records.js'
import { vmotionFields } from './stream/vmotion.js'
import { respFields } from './stream/resp.js'
import { returnPathFields } from './stream/return-path.js'
import { sshFields } from './stream/ssh.js'
import { segmentFields } from './stream/stream-units.js'
import { tlsFields } from './stream/tls.js'

const groups: readonly Readonly<Record<string, FieldDefinition>>[] = [
  frameFields,
  ethernetFields,
  llcFields,
  dtpFields,
  arpFields,
  ipv4Fields,
  ipv6Fields,
  icmpFields,
  icmpv6Fields,
  espFields,
  udpFields,
  ripFields,
  isakmpFields,
  tcpFields,
  segmentFields,
  qevmFields,
  returnPathFields,
  multifdFields,
  sshFields,
  tlsFields,
  libxcFields,
  naclFields,
  recordsFields,
  vmotionFields,
  httpFields,
  respFields,
  dataFields,
]

/** In the order of the layers. */
export const allFields: readonly FieldDefinition[] = Object.freeze(groups.flatMap((group) => Object.values(group)))

const byName: ReadonlyMap<string, FieldDefinition> = new Map(
  allFields.map((definition) => [definition.name, definition]),
)

export function fieldNamed(name: string): FieldDefinition | undefined {
  return byName.get(name)
}
