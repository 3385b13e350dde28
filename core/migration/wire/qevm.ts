/**
 * The numbers of QEMU's migration stream, version 3, with QEMU's names (migration/savevm.h, migration/ram.c,
 * migration/migration.h). All integers on the stream are big-endian.
 *
 *     stream := "QEVM" version [configuration] item* EOF [vmdescription]
 *     item   := START | PART | END | FULL | COMMAND
 *
 * A section's payload has no length on the wire: only its decoder, or the JSON description at the end, knows it.
 */

export const QEMU_VM_FILE_MAGIC = 0x5145564d
export const QEMU_VM_FILE_VERSION = 3

/** The octet that opens each item. */
export const QEMU_VM = {
  EOF: 0x00,
  SECTION_START: 0x01,
  SECTION_PART: 0x02,
  SECTION_END: 0x03,
  SECTION_FULL: 0x04,
  SUBSECTION: 0x05,
  VMDESCRIPTION: 0x06,
  CONFIGURATION: 0x07,
  COMMAND: 0x08,
  SECTION_FOOTER: 0x7e,
} as const

/** Octets of a footer: the mark and the section's id. */
export const FOOTER_OCTETS = 5

/** Low bits of the u64 that opens each record of the RAM section; the other bits are an offset inside the block. */
export const RAM_SAVE_FLAG = {
  ZERO: 0x002,
  MEM_SIZE: 0x004,
  PAGE: 0x008,
  EOS: 0x010,
  CONTINUE: 0x020,
  XBZRLE: 0x040,
  COMPRESS_PAGE: 0x100,
  MULTIFD_FLUSH: 0x200,
} as const

/** Octets that open a record of the RAM section when the block is that of the record before. */
export const RECORD_HEADER_OCTETS = 8

export const RAM_SECTION = { idstr: 'ram', instanceId: 0, version: 4 } as const

/** Opens an XBZRLE record's body. */
export const ENCODING_FLAG_XBZRLE = 0x01

/** Source to destination, inside COMMAND items. */
export const MIG_CMD = {
  OPEN_RETURN_PATH: 1,
  PING: 2,
  POSTCOPY_ADVISE: 3,
  POSTCOPY_LISTEN: 4,
  POSTCOPY_RUN: 5,
  POSTCOPY_RAM_DISCARD: 6,
  PACKAGED: 7,
  ENABLE_COLO: 8,
  POSTCOPY_RESUME: 9,
  RECV_BITMAP: 10,
  SWITCHOVER_START: 11,
} as const

/** Whether a stream that has no header begins so: what follows on another connection when a post-copy is recovered. */
export function opensRecovery(octets: Uint8Array): boolean {
  return octets[0] === QEMU_VM.COMMAND && octets[1] === 0 && octets[2] === MIG_CMD.RECV_BITMAP
}

/** Destination to source. */
export const MIG_RP_MSG = {
  SHUT: 1,
  PONG: 2,
  REQ_PAGES_ID: 3,
  REQ_PAGES: 4,
  RECV_BITMAP: 5,
  RESUME_ACK: 6,
  SWITCHOVER_ACK: 7,
} as const

/** Opens each extra connection of a multifd migration, and each packet on it. */
export const MULTIFD_MAGIC = 0x11223344

/** Longest idstr or block name that every reader takes: QEMU's own script reads the length as a signed octet. */
export const NAME_OCTETS_MAX = 127

/** What opens a START or FULL section. The idstr and the instance tell the receiver what it is; the id is the sender's. */
export interface SectionHeader {
  readonly sectionId: number
  readonly idstr: string
  readonly instanceId: number
  readonly version: number
}

export interface RamBlockSize {
  readonly name: string
  readonly octets: number
}
