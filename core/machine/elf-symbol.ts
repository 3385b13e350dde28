/** Names in a guest image: the symbol table of an ELF32 file (System V ABI, chapter 4). */
import { latin1Octets } from '../base/octets.js'

const SECTION_HEADER_OCTETS = 40
const SYMBOL_OCTETS = 16
const SHT_SYMTAB = 2

/**
 * The value of the symbol `name`, or null when the file has no such symbol or no table that can be read. Meant for a file
 * that `loadElf` took; anything in it may still be a lie, so nothing outside the file is touched, and only the first
 * symbol table is read: there may be no other, and thousands that overlap would take minutes.
 */
export function elfSymbol(image: Uint8Array, name: string): number | null {
  if (image.length < 52) return null
  const view = new DataView(image.buffer, image.byteOffset, image.length)
  const u32 = (at: number): number => (at + 4 <= image.length ? view.getUint32(at, true) : 0)
  const tableAt = u32(32)
  const count = view.getUint16(48, true)
  const wanted = latin1Octets(`${name}\0`)
  for (let section = 0; section < count; section++) {
    const header = tableAt + section * SECTION_HEADER_OCTETS
    if (u32(header + 4) !== SHT_SYMTAB) continue
    const namesHeader = tableAt + u32(header + 24) * SECTION_HEADER_OCTETS
    const namesAt = u32(namesHeader + 16)
    const symbolsAt = u32(header + 16)
    const end = Math.min(symbolsAt + u32(header + 20), image.length)
    for (let symbol = symbolsAt; symbol + SYMBOL_OCTETS <= end; symbol += SYMBOL_OCTETS) {
      const at = namesAt + u32(symbol)
      if (wanted.every((octet, index) => image[at + index] === octet)) return u32(symbol + 4)
    }
    return null
  }
  return null
}
