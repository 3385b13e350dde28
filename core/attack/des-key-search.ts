/**
 * Finds the key of a captured `des-cbc` record channel by trying every key that its hellos leave open.
 *
 * Needs the first octets of the client's direction, the server's hello, and what the stream begins with: a migration
 * begins with QEMU's magic and version, which fill a block of 8 octets exactly. One block deciphered a key; node-forge
 * takes about 0.6 µs for it on the machine of `secure/costs.ts`, so that 24 bits are searched within ten seconds, and 56
 * in 1300 years.
 */
import { WireError } from '../base/errors.js'
import { readU32be } from '../base/octets.js'
import { DES_BLOCK_OCTETS, desBlocks, openDesCbc } from '../secure/records/des.js'
import { saltOf } from '../secure/records/record-keys.js'
import { decodeHello, HELLO_OCTETS } from '../secure/wire/records.js'
import { numberedDesKey } from '../secure/records/reduced-des-key.js'
import { RECORD_HEADER_OCTETS } from '../secure/wire/records.js'

/** More secret bits than that are not searched: 2^32 keys take most of an hour. */
const SECRET_BITS_MAX = 32
/** `QEVM`, version 3 (QEMU's savevm.c). */
export const qevmOpening: Uint8Array = Uint8Array.of(0x51, 0x45, 0x56, 0x4d, 0, 0, 0, 3)

export class DesKeySearch {
  readonly keyCount: number
  keysTried = 0
  /** Null until it is found; still null when all were tried: then the stream begins with something else. */
  key: Uint8Array | null = null

  private readonly secretBits: number
  private readonly publicBits: Uint8Array
  /** The first two sealed halves, and what must come out before chaining. */
  private readonly sealed: readonly [number, number]
  private readonly wanted: readonly [number, number]

  /** Throws `WireError` unless the octets are such a channel's, with few enough secret bits and a whole first block. */
  constructor(toServer: Uint8Array, toClient: Uint8Array, opening = qevmOpening) {
    const { name, secretKeyBits } = decodeHello(toServer)
    decodeHello(toClient)
    if (name !== 'des-cbc') throw new WireError('records', 8, `the cipher is ${name}, only des-cbc can be searched`)
    if (secretKeyBits > SECRET_BITS_MAX)
      throw new WireError('records', 9, `${secretKeyBits} secret bits are too many, ${SECRET_BITS_MAX} can be searched`)
    const ivAt = HELLO_OCTETS + RECORD_HEADER_OCTETS
    if (toServer.length < ivAt + 2 * DES_BLOCK_OCTETS)
      throw new WireError('records', toServer.length, 'the first record was not captured')
    const half = (octets: Uint8Array, at: number): number => readU32be(octets, at) | 0
    this.secretBits = secretKeyBits
    this.keyCount = 2 ** secretKeyBits
    this.publicBits = saltOf(toServer.slice(0, HELLO_OCTETS), toClient.slice(0, HELLO_OCTETS))
    this.sealed = [half(toServer, ivAt + DES_BLOCK_OCTETS), half(toServer, ivAt + DES_BLOCK_OCTETS + 4)]
    this.wanted = [half(opening, 0) ^ half(toServer, ivAt), half(opening, 4) ^ half(toServer, ivAt + 4)]
  }

  get isDone(): boolean {
    return this.key !== null || this.keysTried === this.keyCount
  }

  /** Try the next `keys` keys at most, fewer when it is found. */
  step(keys: number): void {
    const output = [0, 0]
    const end = Math.min(this.keyCount, this.keysTried + keys)
    while (this.keysTried < end && this.key === null) {
      const key = numberedDesKey(this.keysTried++, this.secretBits, this.publicBits)
      desBlocks(key).decrypt(this.sealed, output)
      if (output[0] === this.wanted[0] && output[1] === this.wanted[1]) this.key = key
    }
  }
}

/** What the body of a captured record holds under a key that was found, its padding included. */
export function openFoundRecord(key: Uint8Array, body: Uint8Array): Uint8Array {
  return openDesCbc(key, body.subarray(0, DES_BLOCK_OCTETS), body.subarray(DES_BLOCK_OCTETS))
}
