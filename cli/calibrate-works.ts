/** What `calibrate` measures: each cipher and operation by Node's OpenSSL, and by the libraries this program seals with. */
import * as node from 'node:crypto'
import { cbc, ctr, ecb } from '@noble/ciphers/aes.js'
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { pow } from 'micro-rsa-dsa-dh/utils.js'
import nacl from 'tweetnacl'
import { sealGcm } from '../core/secure/aes-gcm.js'
import { sealDesCbc } from '../core/secure/records/des.js'
import { rsaKeyOf } from '../core/secure/records/rsa.js'
import type { CipherName, OperationName, StreamedName } from '../core/secure/costs.js'

export type OctetWork = (piece: Uint8Array) => void

/** What cannot be measured is not there. */
export interface Works {
  readonly ciphers: Partial<Readonly<Record<CipherName, OctetWork>>>
  readonly operations: Partial<Readonly<Record<OperationName, () => void>>>
  readonly streamed: Partial<Readonly<Record<StreamedName, OctetWork>>>
}

const octets = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => (index * 31 + 7) & 255)
const message = octets(32)
/** As OpenSSL's keys have it. */
const RSA_EXPONENT = 65_537n
const nothing = new Uint8Array(0)
const [key16, key32, iv, nonce, naclNonce] = [octets(16), octets(32), octets(16), octets(12), octets(24)] as const
const whole = { disablePadding: true } as const

/** tweetnacl: what NaCl's channel is made of. */
export function naclWorks(): Works {
  const peer = nacl.scalarMult.base(message)
  return {
    ciphers: { 'xsalsa20-poly1305': (piece) => void nacl.secretbox(piece, naclNonce, key32) },
    operations: { 'nacl-scalarmult': () => void nacl.scalarMult(key32, peer) },
    streamed: { 'nacl-hash': (piece) => void nacl.hash(piece) },
  }
}

/** noble, and what stands beside it here: GCM that keeps its tables, node-forge's DES, micro-rsa-dsa-dh's powers. */
export function nobleWorks(): Works {
  const publicKey = ed25519.getPublicKey(key32)
  const signature = ed25519.sign(message, key32)
  const peer = x25519.getPublicKey(message)
  const { n, d } = rsaKeyOf(key32)
  const number = n / 3n
  return {
    ciphers: {
      'chacha20-poly1305': (piece) => void chacha20poly1305(key32, nonce).encrypt(piece),
      'aes-128-gcm': (piece) => void sealGcm(key16, nonce, nothing, piece),
      'aes-256-gcm': (piece) => void sealGcm(key32, nonce, nothing, piece),
      'aes-128-ecb': (piece) => void ecb(key16, whole).encrypt(piece),
      'aes-256-cbc': (piece) => void cbc(key32, iv, whole).encrypt(piece),
      'aes-256-ctr': (piece) => void ctr(key32, iv).encrypt(piece),
      'des-cbc': (piece) => void sealDesCbc(octets(8), octets(8), piece),
      '3des-cbc': (piece) => void sealDesCbc(octets(24), octets(8), piece),
    },
    operations: {
      'x25519-shared': () => void x25519.getSharedSecret(key32, peer),
      'x25519-base': () => void x25519.getPublicKey(key32),
      'ed25519-sign': () => void ed25519.sign(message, key32),
      'ed25519-verify': () => void ed25519.verify(signature, message, publicKey),
      'rsa-2048-public': () => void pow(number, RSA_EXPONENT, n),
      'rsa-2048-private': () => void pow(number, d, n),
    },
    streamed: { 'sha-256': (piece) => void sha256(piece) },
  }
}

/** OpenSSL. Throws in the work itself where its provider has not got a cipher: DES and RC4 are legacy. */
export function opensslWorks(): Works {
  const [mine, theirs] = [node.generateKeyPairSync('x25519'), node.generateKeyPairSync('x25519')]
  const signer = node.generateKeyPairSync('ed25519')
  const signature = node.sign(null, message, signer.privateKey)
  const rsa = node.generateKeyPairSync('rsa', { modulusLength: 2048 })
  const padding = node.constants.RSA_NO_PADDING
  const number = octets(256).fill(0, 0, 1)
  return {
    ciphers: {
      'chacha20-poly1305': sealing('chacha20-poly1305', key32, nonce),
      'aes-128-gcm': sealing('aes-128-gcm', key16, nonce),
      'aes-256-gcm': sealing('aes-256-gcm', key32, nonce),
      'aes-128-ecb': enciphering('aes-128-ecb', key16, null),
      'aes-256-cbc': enciphering('aes-256-cbc', key32, iv),
      'aes-256-ctr': enciphering('aes-256-ctr', key32, iv),
      'des-cbc': enciphering('des-cbc', octets(8), octets(8)),
      '3des-cbc': enciphering('des-ede3-cbc', octets(24), octets(8)),
      rc4: enciphering('rc4', key16, null),
    },
    operations: {
      'x25519-shared': () => void node.diffieHellman({ privateKey: mine.privateKey, publicKey: theirs.publicKey }),
      'x25519-base': () => void node.generateKeyPairSync('x25519'),
      'ed25519-sign': () => void node.sign(null, message, signer.privateKey),
      'ed25519-verify': () => void node.verify(null, message, signer.publicKey, signature),
      'rsa-2048-public': () => void node.publicEncrypt({ key: rsa.publicKey, padding }, number),
      'rsa-2048-private': () => void node.privateDecrypt({ key: rsa.privateKey, padding }, number),
    },
    streamed: { 'sha-256': (piece) => void node.createHash('sha256').update(piece).digest() },
  }
}

type Aead = node.CipherGCMTypes | node.CipherChaCha20Poly1305Types

function sealing(name: Aead, key: Uint8Array, recordNonce: Uint8Array): OctetWork {
  const options = { authTagLength: 16 }
  return (piece) => {
    const cipher = node.createCipheriv(name as node.CipherGCMTypes, key, recordNonce, options)
    cipher.update(piece)
    cipher.final()
    cipher.getAuthTag()
  }
}

function enciphering(name: string, key: Uint8Array, recordIv: Uint8Array | null): OctetWork {
  return (piece) => {
    const cipher = node.createCipheriv(name, key, recordIv)
    cipher.update(piece)
    cipher.final()
  }
}
