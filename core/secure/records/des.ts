/**
 * DES and three-key Triple DES in CBC mode (FIPS 46-3, NIST SP 800-67, SP 800-38A section 6.2), without padding. The
 * block function is node-forge's; chaining is done here on its 32-bit halves, which is four times as fast as the
 * library's own mode over strings of octets.
 */
// eslint-disable-next-line @typescript-eslint/triple-slash-reference -- a declaration of a package cannot be imported
/// <reference path="./node-forge-des.d.ts" />
import des from 'node-forge/lib/des.js'
import { assert } from '../../base/errors.js'

export const DES_BLOCK_OCTETS = 8
export const DES_KEY_OCTETS = 8
export const TRIPLE_DES_KEY_OCTETS = 24

/** Gives the block function out. */
class BareMode {
  readonly cipher
  constructor(options: { readonly cipher: DesBlocks }) {
    this.cipher = options.cipher
  }
}

/** One block, as two big-endian 32-bit halves. */
export interface DesBlocks {
  encrypt(input: readonly number[], output: number[]): void
  decrypt(input: readonly number[], output: number[]): void
}

/** `key`: 8 octets for DES, 24 for Triple DES; parity bits are not looked at. */
export function desBlocks(key: Uint8Array): DesBlocks {
  assert(key.length === DES_KEY_OCTETS || key.length === TRIPLE_DES_KEY_OCTETS, `a DES key of ${key.length} octets`)
  const algorithm = new des.Algorithm(key.length === DES_KEY_OCTETS ? 'DES' : '3DES', BareMode)
  algorithm.initialize({ key })
  return algorithm.mode.cipher
}

/** `plain` is whole blocks. */
export function sealDesCbc(key: Uint8Array, iv: Uint8Array, plain: Uint8Array): Uint8Array {
  const { blocks, from, to, sealed } = begin(key, iv, plain)
  let [left, right] = [from.iv.getInt32(0), from.iv.getInt32(4)]
  const input = [0, 0]
  const output = [0, 0]
  for (let at = 0; at < plain.length; at += DES_BLOCK_OCTETS) {
    input[0] = left ^ from.octets.getInt32(at)
    input[1] = right ^ from.octets.getInt32(at + 4)
    blocks.encrypt(input, output)
    left = output[0] as number
    right = output[1] as number
    to.setInt32(at, left)
    to.setInt32(at + 4, right)
  }
  return sealed
}

/** `sealed` is whole blocks. */
export function openDesCbc(key: Uint8Array, iv: Uint8Array, sealed: Uint8Array): Uint8Array {
  const { blocks, from, to, sealed: plain } = begin(key, iv, sealed)
  let [left, right] = [from.iv.getInt32(0), from.iv.getInt32(4)]
  const input = [0, 0]
  const output = [0, 0]
  for (let at = 0; at < sealed.length; at += DES_BLOCK_OCTETS) {
    input[0] = from.octets.getInt32(at)
    input[1] = from.octets.getInt32(at + 4)
    blocks.decrypt(input, output)
    to.setInt32(at, left ^ (output[0] as number))
    to.setInt32(at + 4, right ^ (output[1] as number))
    left = input[0]
    right = input[1]
  }
  return plain
}

function begin(key: Uint8Array, iv: Uint8Array, octets: Uint8Array) {
  assert(iv.length === DES_BLOCK_OCTETS && octets.length % DES_BLOCK_OCTETS === 0, 'DES works on whole blocks')
  const out = new Uint8Array(octets.length)
  return {
    blocks: desBlocks(key),
    from: { iv: viewOf(iv), octets: viewOf(octets) },
    to: viewOf(out),
    sealed: out,
  }
}

function viewOf(octets: Uint8Array): DataView {
  return new DataView(octets.buffer, octets.byteOffset, octets.length)
}
