/** IEEE 802.2 LLC with the SNAP header (RFC 1042), in which Cisco's protocols travel. */
import { readU16be } from '../../base/octets.js'
import { need, type Dissection } from '../dissection.js'
import { field, protocol } from '../field.js'
import { dissectData } from './data.js'
import { dissectDtp } from './dtp.js'

const OUI_CISCO = 0x00000c
const OUI_ETHERTYPE = 0
const PID_DTP = 0x2004
const SAP_WORDS = { 0x42: 'Spanning Tree', 0xaa: 'SNAP', 0xfe: 'ISO Network Layer', 0xff: 'Global' }

export const llcFields = {
  llc: protocol('llc', 'Logical-Link Control'),
  dsap: field('llc.dsap', 'DSAP', 'uint8', { base: 'hex', words: SAP_WORDS }),
  ssap: field('llc.ssap', 'SSAP', 'uint8', { base: 'hex', words: SAP_WORDS }),
  control: field('llc.control', 'Control', 'uint16', { base: 'hex' }),
  oui: field('llc.oui', 'Organisation', 'uint24', { base: 'hex', words: { 0: 'EtherTypes', 0x0c: 'Cisco' } }),
  type: field('llc.type', 'Type', 'uint16', { base: 'hex' }),
  ciscoPid: field('llc.cisco_pid', 'Protocol', 'uint16', {
    base: 'hex',
    words: { 0x2000: 'CDP', 0x2003: 'VTP', 0x2004: 'DTP', 0x010b: 'PVSTP+' },
  }),
  pid: field('llc.pid', 'Protocol', 'uint16', { base: 'hex' }),
}

export function dissectLlc(dissection: Dissection, start: number, end: number): void {
  const { octets, sink } = dissection
  need('llc', start, 3, end)
  const isSnap = octets[start] === 0xaa && octets[start + 1] === 0xaa
  const control = octets[start + 2] ?? 0
  // I and S frames have a control field of two octets, U frames one of one.
  const controlOctets = (control & 3) === 3 ? 1 : 2
  const headerOctets = isSnap ? 8 : 2 + controlOctets
  need('llc', start, headerOctets, end)
  sink.open(llcFields.llc, start, headerOctets, null)
  sink.field(llcFields.dsap, start, 1, octets[start] ?? 0)
  sink.field(llcFields.ssap, start + 1, 1, octets[start + 1] ?? 0)
  sink.field(llcFields.control, start + 2, controlOctets, control)
  if (!isSnap) {
    sink.close()
    return dissectData(dissection, start + headerOctets, end)
  }
  const oui = ((octets[start + 3] ?? 0) << 16) | readU16be(octets, start + 4)
  const pid = readU16be(octets, start + 6)
  sink.field(llcFields.oui, start + 3, 3, oui)
  const { type, ciscoPid, pid: otherPid } = llcFields
  sink.field(oui === OUI_CISCO ? ciscoPid : oui === OUI_ETHERTYPE ? type : otherPid, start + 6, 2, pid)
  sink.close()
  if (oui === OUI_CISCO && pid === PID_DTP) return dissectDtp(dissection, start + 8, end)
  if (oui === OUI_ETHERTYPE && pid >= 0x0600)
    return dissection.layers.dissectNetworkLayer(dissection, pid, start + 8, end)
  dissectData(dissection, start + 8, end)
}
