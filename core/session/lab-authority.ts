/** The lab's certificate authority: every host trusts it, and has a certificate of it for its own name. */
import type { Kernel } from '../kernel/kernel.js'
import type { TlsTrust } from '../secure/tls/certificate-path.js'
import type { TlsIdentity } from '../secure/tls/connection.js'
import { issueCertificate } from '../secure/tls/x509.js'
import { ed25519PublicKey } from '../secure/ssh/key-exchange.js'

const COMMON_NAME = 'Midstream Lab CA'
/** 2025-01-01 to 2045-01-01, in seconds since 1970; between them lies 2026-01-01, when the machines' clocks start. */
const NOT_BEFORE = 1_735_689_600
const NOT_AFTER = 2_366_841_600
const LAB_START = 1_767_225_600
const SERIAL_OCTETS = 8

export class LabAuthority {
  private readonly secretKey: Uint8Array
  /** Made when first asked for: most sessions never do. */
  private ownCertificate: Uint8Array | null = null
  private readonly identities = new Map<string, TlsIdentity>()

  /** `realm`: whose, where there is another authority than the lab's. */
  constructor(
    private readonly kernel: Kernel,
    private readonly realm = '',
  ) {
    this.secretKey = kernel.random(`${realm}authority/identity`).octets(32)
  }

  /** In DER. */
  certificate(): Uint8Array {
    this.ownCertificate ??= this.issue(COMMON_NAME, ed25519PublicKey(this.secretKey), true)
    return this.ownCertificate
  }

  trust(): TlsTrust {
    return { authorities: [this.certificate()], instant: LAB_START }
  }

  /** What `host` proves itself with; the same on every call. */
  identityOf(host: string): TlsIdentity {
    const known = this.identities.get(host)
    if (known !== undefined) return known
    const secretKey = this.kernel.random(`${host}/certificate`).octets(32)
    const identity = { secretKey, chain: [this.issue(host, ed25519PublicKey(secretKey), false)] }
    this.identities.set(host, identity)
    return identity
  }

  private issue(commonName: string, publicKey: Uint8Array, isAuthority: boolean): Uint8Array {
    const serial = this.kernel.random(`${this.realm}authority/${commonName}`).octets(SERIAL_OCTETS)
    serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
    const validity = { notBefore: NOT_BEFORE, notAfter: NOT_AFTER }
    return issueCertificate(
      { commonName, publicKey, serial, ...validity, ...(isAuthority ? { isAuthority } : { dnsNames: [commonName] }) },
      { commonName: COMMON_NAME, secretKey: this.secretKey },
    )
  }
}
