/** A certificate that its holder has signed itself, for any name. */
import { ed25519PublicKey } from '../secure/ssh/key-exchange.js'
import type { TlsIdentity } from '../secure/tls/connection.js'
import { issueCertificate } from '../secure/tls/x509.js'
import type { AttackerRandom } from './reach.js'

const KEY_OCTETS = 32
/** 2025-01-01 to 2045-01-01, in seconds since 1970. */
const NOT_BEFORE = 1_735_689_600
const NOT_AFTER = 2_366_841_600

export function selfSigned(random: AttackerRandom, commonName: string): TlsIdentity {
  const secretKey = random.octets(KEY_OCTETS)
  const publicKey = ed25519PublicKey(secretKey)
  const validity = { notBefore: NOT_BEFORE, notAfter: NOT_AFTER }
  const request = { commonName, publicKey, serial: Uint8Array.of(1), ...validity, dnsNames: [commonName] }
  return { secretKey, chain: [issueCertificate(request, { commonName, secretKey })] }
}
