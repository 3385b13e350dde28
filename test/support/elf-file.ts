/** A small ELF32 file for RISC-V: segments and, if asked for, a symbol table. */

export interface ElfSegment {
  address: number
  octets: readonly number[]
  memoryOctets: number
}

const HEADER = 52
const PROGRAM_HEADER = 32
const SECTION_HEADER = 40

export function elfFile(
  entry: number,
  segments: readonly ElfSegment[],
  symbols: Readonly<Record<string, number>> = {},
): Uint8Array {
  const names = Object.keys(symbols)
  const data = segments.flatMap(({ octets }) => octets)
  const dataAt = HEADER + PROGRAM_HEADER * segments.length
  // A null symbol, then one each; their names one after another behind an empty one.
  const symbolTable: number[] = new Array<number>(16).fill(0)
  const strings: number[] = [0]
  for (const name of names) {
    symbolTable.push(...words(strings.length, symbols[name]!, 0), 0, 0, 1, 0)
    strings.push(...Buffer.from(`${name}\0`, 'latin1'))
  }
  const symbolsAt = dataAt + data.length
  const stringsAt = symbolsAt + symbolTable.length
  const hasSymbols = names.length > 0
  const sections = hasSymbols
    ? [
        ...words(0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        ...words(0, 2, 0, 0, symbolsAt, symbolTable.length, 2, 1, 4, 16),
        ...words(0, 3, 0, 0, stringsAt, strings.length, 0, 0, 1, 0),
      ]
    : []
  const sectionsAt = hasSymbols ? stringsAt + strings.length : 0
  const header = [0x7f, 0x45, 0x4c, 0x46, 1, 1, 1, ...new Array<number>(9).fill(0), ...halves(2, 243)]
  header.push(...words(1, entry, HEADER, sectionsAt, 0))
  header.push(...halves(HEADER, PROGRAM_HEADER, segments.length, SECTION_HEADER, hasSymbols ? 3 : 0, 0))
  let at = dataAt
  const programHeaders = segments.flatMap(({ address, octets, memoryOctets }) => {
    const offset = at
    at += octets.length
    return words(1, offset, address, address, octets.length, memoryOctets, 7, 1)
  })
  return Uint8Array.from([
    ...[...header, ...programHeaders, ...data],
    ...(hasSymbols ? [...symbolTable, ...strings, ...sections] : []),
  ])
}

function halves(...values: readonly number[]): number[] {
  return values.flatMap((value) => [value & 255, (value >>> 8) & 255])
}

function words(...values: readonly number[]): number[] {
  return values.flatMap((value) => halves(value, value >>> 16))
}
