/**
 * What the vulnerable receiver reads: after Xen 3.1's `xc_domain_restore` (tools/libxc/xc_domain_restore.c) and, for the devices, after
 * QEMU's savevm. Words of the first are little-endian, as the processor's, those of the devices big-endian. Against the original there
 * are no page tables, no vCPU contexts and no shared pages.
 *
 * ```
 * "LinuxGuestRecord" · u32be length · the guest's name
 * u32 nr_pfns
 * i32 batch: 1 to 1024: u32 pfn_type[batch], and 4096 octets for each page that has any
 *            -1: what follows is verified · -2: u64 map of vCPUs · 0: no more batches
 * u32 nfree · u32 pfn[nfree]: pages that the guest has given up meanwhile
 * "QemuDeviceModelRecord"
 * u8 device: 1, keyboard: u8 data[256] · i32be rptr, wptr, count
 *            2, network card: u32be config_len · u8 config[config_len] · 0: no more devices
 * ```
 */
import { concatOctets, latin1Octets, OctetWriter, readU32be, readU32le, writeU32le } from '../../base/octets.js'
import { PAGE_OCTETS } from '../../base/units.js'

/** What xend listens on for migrations. */
export const RELOCATION_PORT = 8002
/** What is said before the stream (tools/python/xen/xend/server/relocate.py). */
export const RELOCATION_REQUEST = '(receive)'
export const RELOCATION_READY = '(ready receive)'

export const RESTORE_SIGNATURE = 'LinuxGuestRecord'
export const DEVICE_SIGNATURE = 'QemuDeviceModelRecord'
export const NAME_OCTETS_MAX = 64
export const GUEST_PAGES_MAX = 1024
/** MAX_BATCH_SIZE. */
export const BATCH_PAGES_MAX = 1024
export const VERIFY_BATCH = -1
export const VCPU_MAP_BATCH = -2
/** XEN_DOMCTL_PFINFO_XTAB: a page that is not there. The type is in the four highest bits. */
export const PAGE_TYPE_NONE = 0xf
export const PFN_MASK = 0x0fff_ffff
export const DEVICES = { end: 0, keyboard: 1, networkCard: 2 } as const
/** PS2_QUEUE_SIZE. */
export const KEYBOARD_QUEUE_OCTETS = 256

/** Words as the receiver's processor has them: 32 bits, little-endian, signed or not. */
export function words32le(...words: readonly number[]): Uint8Array {
  const octets = new Uint8Array(4 * words.length)
  words.forEach((word, index) => writeU32le(octets, 4 * index, word))
  return octets
}

export function encodeOpening(name: Uint8Array, pages: number): Uint8Array {
  return concatOctets([
    new OctetWriter().latin1(RESTORE_SIGNATURE).u32(name.length).octets(name).take(),
    words32le(pages),
  ])
}

/** What a stream says of its guest before memory comes; null when it is not all there, or no such stream. */
export function decodeOpening(stream: Uint8Array): { readonly name: Uint8Array; readonly pages: number } | null {
  const nameAt = RESTORE_SIGNATURE.length + 4
  if (stream.length < nameAt) return null
  const length = readU32be(stream, RESTORE_SIGNATURE.length)
  if (length > NAME_OCTETS_MAX || stream.length < nameAt + length + 4) return null
  const name = stream.subarray(nameAt, nameAt + length)
  const pages = readU32le(stream, nameAt + length)
  return pages >= 1 && pages <= GUEST_PAGES_MAX ? { name, pages } : null
}

/** `count` is what is claimed; the words and pages are what is there. */
export function encodeBatch(
  count: number,
  pfnTypes: readonly number[] = [],
  pages: readonly Uint8Array[] = [],
): Uint8Array {
  return concatOctets([words32le(count, ...pfnTypes), ...pages])
}

export function encodeFreeList(count: number, pages: readonly number[] = []): Uint8Array {
  return words32le(count, ...pages)
}

export interface KeyboardQueue {
  readonly data: Uint8Array
  readonly rptr: number
  readonly wptr: number
  readonly count: number
}

export function encodeKeyboard({ data, rptr, wptr, count }: KeyboardQueue): Uint8Array {
  const queue = new Uint8Array(KEYBOARD_QUEUE_OCTETS)
  queue.set(data)
  return new OctetWriter()
    .u8(DEVICES.keyboard)
    .octets(queue)
    .u32(rptr >>> 0)
    .u32(wptr >>> 0)
    .u32(count >>> 0)
    .take()
}

export function encodeNetworkCard(configLength: number, config: Uint8Array): Uint8Array {
  return new OctetWriter().u8(DEVICES.networkCard).u32(configLength).octets(config).take()
}

export function encodeDevices(...devices: readonly Uint8Array[]): Uint8Array {
  return concatOctets([latin1Octets(DEVICE_SIGNATURE), ...devices, Uint8Array.of(DEVICES.end)])
}

/** What stands where in a stream, as far as it goes. */
export interface RestoreField {
  readonly offset: number
  readonly length: number
  readonly name: string
  /** Of a number. */
  readonly value: number | null
}

/** The fields of any octets, read as the receiver would read them. */
export function restoreFields(stream: Uint8Array): readonly RestoreField[] {
  const fields = new FieldWalk(stream)
  fields.octets('signature', RESTORE_SIGNATURE.length)
  fields.octets('name', fields.number('length of the name', 'u32be'))
  fields.number('nr_pfns', 'u32')
  batches(fields)
  const count = fields.number('nfree', 'u32')
  fields.octets('free list', Math.imul(4, count) >>> 0)
  fields.octets('device signature', DEVICE_SIGNATURE.length)
  while (fields.hasMore) {
    const device = fields.number('device', 'u8')
    if (device === DEVICES.keyboard) {
      fields.octets('keyboard data', KEYBOARD_QUEUE_OCTETS)
      for (const name of ['rptr', 'wptr', 'count']) fields.number(name, 'i32be')
    } else if (device === DEVICES.networkCard) fields.octets('config', fields.number('config_len', 'u32be'))
    else break
  }
  fields.octets('rest', stream.length)
  return fields.all
}

function batches(fields: FieldWalk): void {
  while (fields.hasMore) {
    const batch = fields.number('batch', 'i32')
    if (batch === 0) return
    if (batch === VCPU_MAP_BATCH) fields.octets('map of vCPUs', 8)
    if (batch === VERIFY_BATCH || batch === VCPU_MAP_BATCH) continue
    const types = fields.octets('pfn_type', Math.imul(4, batch) >>> 0)
    for (let word = 0; word < batch && word < types.length >>> 2 && fields.hasMore; word++)
      if (readU32le(types, 4 * word) >>> 28 !== PAGE_TYPE_NONE) fields.octets('page', PAGE_OCTETS)
  }
}

class FieldWalk {
  readonly all: RestoreField[] = []
  private offset = 0

  constructor(private readonly stream: Uint8Array) {}

  get hasMore(): boolean {
    return this.offset < this.stream.length
  }

  number(name: string, kind: 'u8' | 'u32' | 'i32' | 'u32be' | 'i32be'): number {
    const octets = this.octets(name, kind === 'u8' ? 1 : 4)
    const unsigned =
      kind === 'u8' ? (octets[0] ?? 0) : kind.endsWith('be') ? readU32be(octets, 0) : readU32le(octets, 0)
    const value = kind.startsWith('i') ? unsigned | 0 : unsigned
    const field = this.all.at(-1)
    if (octets.length > 0 && field !== undefined) this.all[this.all.length - 1] = { ...field, value }
    return value
  }

  octets(name: string, length: number): Uint8Array {
    const octets = this.stream.subarray(this.offset, this.offset + length)
    if (octets.length > 0) this.all.push({ offset: this.offset, length: octets.length, name, value: null })
    this.offset += octets.length
    return octets
  }
}
