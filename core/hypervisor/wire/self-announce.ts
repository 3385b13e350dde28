/**
 * The frame by which a host tells the network that a VM's address now lives behind it: a reverse ARP request that the
 * VM seems to send to everybody (QEMU, net/announce.c, `announce_self_create`; RFC 903). Switches learn from its source.
 *
 *   0 destination ff:ff:ff:ff:ff:ff   6 source   12 type 0x8035
 *  14 hardware 1   16 protocol 0x0800   18 lengths 6, 4   20 operation 3 (request reverse)
 *  22 sender hardware   28 sender protocol 0   32 target hardware   38 target protocol 0   42 zeros up to 60
 */
import { writeU16be } from '../../base/octets.js'

export const SELF_ANNOUNCE_OCTETS = 60

/** `mac` is the VM's 6-octet hardware address. */
export function encodeSelfAnnounce(mac: Uint8Array): Uint8Array {
  const frame = new Uint8Array(SELF_ANNOUNCE_OCTETS)
  frame.fill(0xff, 0, 6)
  frame.set(mac, 6)
  writeU16be(frame, 12, 0x8035)
  writeU16be(frame, 14, 1)
  writeU16be(frame, 16, 0x0800)
  frame[18] = 6
  frame[19] = 4
  writeU16be(frame, 20, 3)
  frame.set(mac, 22)
  frame.set(mac, 32)
  return frame
}
