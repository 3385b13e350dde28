/** Migrations as they should be: what a fuzzer of the receiver begins with. */
import { concatOctets, latin1Octets } from '../../base/octets.js'
import { PAGE_OCTETS } from '../../base/units.js'
import {
  encodeBatch,
  encodeDevices,
  encodeFreeList,
  encodeKeyboard,
  encodeNetworkCard,
  encodeOpening,
  PAGE_TYPE_NONE,
  VCPU_MAP_BATCH,
  VERIFY_BATCH,
} from '../../hypervisor/wire/restore-stream.js'

const NAME = latin1Octets('guest')
const KEYS = latin1Octets('ls -l')
const CONFIG = new Uint8Array(32).fill(1)
const none = (pfn: number): number => ((PAGE_TYPE_NONE << 28) | pfn) >>> 0
const page = (octet: number): Uint8Array => new Uint8Array(PAGE_OCTETS).fill(octet)
const keyboard = encodeKeyboard({ data: KEYS, rptr: 0, wptr: KEYS.length, count: KEYS.length })

export const restoreSeeds: readonly Uint8Array[] = [
  // No page, no device.
  concatOctets([encodeOpening(NAME, 16), encodeBatch(0), encodeFreeList(0), encodeDevices()]),
  // Pages that are not there, and devices.
  concatOctets([
    ...[encodeOpening(NAME, 64), encodeBatch(2, [none(1), none(2)]), encodeBatch(0), encodeFreeList(2, [3, 4])],
    encodeDevices(keyboard, encodeNetworkCard(CONFIG.length, CONFIG)),
  ]),
  // Memory, in two rounds.
  concatOctets([
    ...[encodeOpening(NAME, 64), encodeBatch(VCPU_MAP_BATCH, [1, 0]), encodeBatch(2, [1, 2], [page(1), page(2)])],
    ...[encodeBatch(VERIFY_BATCH), encodeBatch(1, [2], [page(3)]), encodeBatch(0), encodeFreeList(1, [1])],
    encodeDevices(),
  ]),
]
