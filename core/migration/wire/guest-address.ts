/** Where RAM blocks stand in guest-physical memory, for the boards whose layout is fixed. */

/** Base addresses by QEMU's block names: hw/riscv/virt.c, hw/arm/virt.c. */
const bases: ReadonlyMap<string, number> = new Map([
  ['riscv_virt_board.ram', 0x8000_0000],
  ['riscv_virt_board.mrom', 0x1000],
  ['virt.flash0', 0x2000_0000],
  ['virt.flash1', 0x2200_0000],
  ['mach-virt.ram', 0x4000_0000],
])

/** A PC's RAM begins at 0; above 2 GiB it may go on past the hole for devices, whose place the stream does not say. */
const PC_LOW_OCTETS = 0x8000_0000

/** The guest-physical address of an octet of a block, or null where that is not known. */
export function guestAddress(block: string, offset: number): number | null {
  if (block === 'pc.ram') return offset < PC_LOW_OCTETS ? offset : null
  const base = bases.get(block)
  return base === undefined ? null : base + offset
}

/** As in reports: `0x80040010`, or the offset in the block where the board is not known. */
export function addressText(block: string, offset: number): string {
  return `0x${(guestAddress(block, offset) ?? offset).toString(16).padStart(8, '0')}`
}
