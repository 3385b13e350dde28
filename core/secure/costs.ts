/**
 * What cryptography costs a host, in nanoseconds of one core.
 *
 * Measured with the libraries this program seals with (tweetnacl 1.0.3, noble ciphers, curves and hashes 2.4), Node 20,
 * one core of a two-core x86-64 server without anything else running; medians. A channel counts what it does; the
 * table prices it. Another table is another host.
 */
import type { Nanos } from '../base/units.js'
import type { RecordCipherName } from './records/record-ciphers.js'

/** Operations a channel did: plain counts. */
export interface CipherWork {
  /** Octets sealed or opened, record headers and padding included. */
  octets: number
  /** Records sealed or opened. */
  records: number
  /** Variable-base x25519 multiplications, and multiplications of the base point (a key pair made). */
  x25519Shared: number
  x25519Base: number
  ed25519Signed: number
  ed25519Verified: number
  /** Octets hashed for key derivation and exchange hashes. */
  hashedOctets: number
  /** RSA powers with a public exponent, and with a secret one. */
  rsaPublic: number
  rsaSecret: number
  /** Octets copied through a loopback connection between a proxy and the program it serves. */
  loopbackOctets: number
}

export interface CipherCosts {
  readonly nsPerOctet: number
  readonly nsPerRecord: Nanos
  readonly x25519SharedNs: Nanos
  readonly x25519BaseNs: Nanos
  readonly ed25519SignNs: Nanos
  readonly ed25519VerifyNs: Nanos
  readonly nsPerHashedOctet: number
  readonly rsaPublicNs: Nanos
  readonly rsaSecretNs: Nanos
  readonly nsPerLoopbackOctet: number
}

/**
 * tweetnacl. `nsPerOctet`: `nacl.secretbox` of 4 KiB, 85 MB/s. `nsPerRecord`: the sealed header, a `nacl.secretbox` of
 * 4 octets. x25519: `nacl.scalarMult`, `nacl.scalarMult.base`. Hashing: `nacl.hash` (SHA-512). No signatures, no
 * loopback: the channel lives inside the hypervisor's process.
 */
export const naclCosts: CipherCosts = Object.freeze({
  nsPerOctet: 11.8,
  nsPerRecord: 5_300,
  x25519SharedNs: 460_000,
  x25519BaseNs: 460_000,
  ed25519SignNs: 0,
  ed25519VerifyNs: 0,
  nsPerHashedOctet: 12.7,
  rsaPublicNs: 0,
  rsaSecretNs: 0,
  nsPerLoopbackOctet: 0,
})

/**
 * noble. `nsPerOctet`: `chacha20poly1305` of 4 KiB, 88 MB/s. `nsPerRecord`: the separate key stream for the packet
 * length, `chacha20orig` of 4 octets. x25519: `getSharedSecret`, `getPublicKey`. ed25519: `sign`, `verify` of a 32-octet
 * message. Hashing: `sha256`. Loopback: 2 GiB through a TCP connection over `lo` in writes of 64 KiB, processor time of
 * both ends together, 0.42 ns an octet at 3.2 GB/s.
 */
export const sshCosts: CipherCosts = Object.freeze({
  nsPerOctet: 11.4,
  nsPerRecord: 5_000,
  x25519SharedNs: 840_000,
  x25519BaseNs: 290_000,
  ed25519SignNs: 410_000,
  ed25519VerifyNs: 1_020_000,
  nsPerHashedOctet: 7.1,
  rsaPublicNs: 0,
  rsaSecretNs: 0,
  nsPerLoopbackOctet: 0.42,
})

/**
 * noble under TLS, by cipher: as in `recordCosts`, measured alike. Key agreement, signatures and hashing as for SSH.
 */
export const tlsCosts: Readonly<Record<'aes-gcm' | 'chacha20-poly1305', CipherCosts>> = Object.freeze({
  'aes-gcm': Object.freeze({ ...sshCosts, nsPerOctet: 15.5, nsPerRecord: 11_600, nsPerLoopbackOctet: 0 }),
  'chacha20-poly1305': Object.freeze({ ...sshCosts, nsPerOctet: 3.9, nsPerRecord: 4_400, nsPerLoopbackOctet: 0 }),
})

/**
 * noble's AES under our GCM (core/secure/aes-gcm.ts), which keeps key schedules and tables. `nsPerOctet`: AES-256-GCM of
 * 16 KiB, 75 MB/s. `nsPerRecord`: what 48 octets cost beyond that, a packet's own price. x25519, ed25519 and hashing as
 * for SSH.
 */
export const espCosts: CipherCosts = Object.freeze({
  ...sshCosts,
  nsPerOctet: 13.3,
  nsPerRecord: 3_000,
  nsPerLoopbackOctet: 0,
})

/** What no record channel does is free. Hashing: `sha256`. RSA: 2048 bits, OAEP included, exponent 3 and its inverse. */
const recordWork = {
  x25519SharedNs: 0,
  x25519BaseNs: 0,
  ed25519SignNs: 0,
  ed25519VerifyNs: 0,
  nsPerHashedOctet: 7.1,
  rsaPublicNs: 46_000,
  rsaSecretNs: 20_000_000,
  nsPerLoopbackOctet: 0,
}

/**
 * noble ciphers 2.4, node-forge 1.4 for DES; 16 KiB sealed against 16 octets, the quickest of 25 runs each.
 * `nsPerRecord`: what 16 octets take, the key's expansion (for GCM, its table too) included.
 */
export const recordCosts: Readonly<Record<RecordCipherName, CipherCosts>> = Object.freeze({
  'aes-128-ecb': { ...recordWork, nsPerOctet: 5.4, nsPerRecord: 900 },
  'aes-256-cbc': { ...recordWork, nsPerOctet: 7.5, nsPerRecord: 1_200 },
  'aes-256-ctr': { ...recordWork, nsPerOctet: 9, nsPerRecord: 1_400 },
  'aes-256-gcm': { ...recordWork, nsPerOctet: 15.5, nsPerRecord: 11_600 },
  'chacha20-poly1305': { ...recordWork, nsPerOctet: 3.9, nsPerRecord: 4_400 },
  'des-cbc': { ...recordWork, nsPerOctet: 12.4, nsPerRecord: 1_200 },
  '3des-cbc': { ...recordWork, nsPerOctet: 35.7, nsPerRecord: 2_500 },
})

export function noWork(): CipherWork {
  return {
    octets: 0,
    records: 0,
    x25519Shared: 0,
    x25519Base: 0,
    ed25519Signed: 0,
    ed25519Verified: 0,
    hashedOctets: 0,
    rsaPublic: 0,
    rsaSecret: 0,
    loopbackOctets: 0,
  }
}

/** Core time for `work`, in whole nanoseconds. */
export function priceOf(work: CipherWork, costs: CipherCosts): Nanos {
  return Math.round(
    work.octets * costs.nsPerOctet +
      work.records * costs.nsPerRecord +
      work.x25519Shared * costs.x25519SharedNs +
      work.x25519Base * costs.x25519BaseNs +
      work.ed25519Signed * costs.ed25519SignNs +
      work.ed25519Verified * costs.ed25519VerifyNs +
      work.hashedOctets * costs.nsPerHashedOctet +
      work.rsaPublic * costs.rsaPublicNs +
      work.rsaSecret * costs.rsaSecretNs +
      work.loopbackOctets * costs.nsPerLoopbackOctet,
  )
}
