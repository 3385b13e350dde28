/**
 * The items of a package (MIG_CMD_PACKAGED), told apart by somebody who does not know its devices. Sections have no lengths and no
 * description comes after post-copy, so a section ends at the first footer of its number behind which another item begins: octets
 * of a device that look like both are not to be expected.
 */
import { latin1Text, readU16be, readU32be } from '../../base/octets.js'
import { FOOTER_OCTETS, QEMU_VM } from './qevm.js'

/** Places count from the beginning of the package. */
export type PackageItem =
  | { readonly kind: 'command'; readonly offset: number; readonly octets: number; readonly command: number }
  | {
      readonly kind: 'device'
      readonly offset: number
      /** All of it: header, state and footer. */
      readonly octets: number
      readonly headerOctets: number
      readonly idstr: string
      readonly instanceId: number
    }

/** As many as can be told apart from the beginning on. */
export function packageItems(octets: Uint8Array): PackageItem[] {
  const items: PackageItem[] = []
  for (let offset = 0; offset < octets.length;) {
    const item = commandAt(octets, offset) ?? deviceAt(octets, offset)
    if (item === null) break
    items.push(item)
    offset += item.octets
  }
  return items
}

function commandAt(octets: Uint8Array, offset: number): PackageItem | null {
  if (octets[offset] !== QEMU_VM.COMMAND || offset + 5 > octets.length) return null
  const length = 5 + readU16be(octets, offset + 3)
  if (offset + length > octets.length) return null
  return { kind: 'command', offset, octets: length, command: readU16be(octets, offset + 1) }
}

function deviceAt(octets: Uint8Array, offset: number): PackageItem | null {
  const headerOctets = sectionHeaderOctets(octets, offset)
  if (headerOctets === 0) return null
  const sectionId = readU32be(octets, offset + 1)
  const end = sectionEnd(octets, offset + headerOctets, sectionId)
  if (end < 0) return null
  return {
    kind: 'device',
    offset,
    octets: end - offset,
    headerOctets,
    idstr: latin1Text(octets.subarray(offset + 6, offset + headerOctets - 8)),
    instanceId: readU32be(octets, offset + headerOctets - 8),
  }
}

/** 0 when no section of a device begins there: its name is printable. */
function sectionHeaderOctets(octets: Uint8Array, offset: number): number {
  if (octets[offset] !== QEMU_VM.SECTION_FULL || offset + 6 > octets.length) return 0
  const nameOctets = octets[offset + 5] ?? 0
  const headerOctets = 6 + nameOctets + 8
  if (nameOctets === 0 || offset + headerOctets > octets.length) return 0
  for (let at = offset + 6; at < offset + 6 + nameOctets; at++) {
    const octet = octets[at] ?? 0
    if (octet < 0x20 || octet > 0x7e) return 0
  }
  return headerOctets
}

function sectionEnd(octets: Uint8Array, start: number, sectionId: number): number {
  for (
    let at = octets.indexOf(QEMU_VM.SECTION_FOOTER, start);
    at >= 0;
    at = octets.indexOf(QEMU_VM.SECTION_FOOTER, at + 1)
  ) {
    const end = at + FOOTER_OCTETS
    if (end > octets.length) return -1
    if (readU32be(octets, at + 1) !== sectionId) continue
    if (end === octets.length || commandAt(octets, end) !== null || sectionHeaderOctets(octets, end) > 0) return end
  }
  return -1
}
