/** Is a peer's certificate chain good (RFC 5280 section 6, reduced: no policies, no name constraints, no revocation)? */
import { equalOctets } from '../../base/octets.js'
import { verifyEd25519 } from '../ssh/key-exchange.js'
import type { TlsAlertName } from '../wire/tls-handshake.js'
import { decodeCertificate, isFor, keyUsageBits, type Certificate } from './x509.js'

/** Whom an end believes. */
export interface TlsTrust {
  /** Certificates of authorities, in DER. */
  readonly authorities: readonly Uint8Array[]
  /** The instant for which certificates must be valid, in seconds since 1970: virtual time has no calendar. */
  readonly instant: number
}

export interface PathQuestion {
  readonly trust: TlsTrust
  /** What the peer is to us. */
  readonly role: 'server' | 'client'
  /** A DNS name or an IPv4 address the certificate must be for; null for any. */
  readonly name: string | null
}

export interface PathVerdict {
  /** Null if the chain is good. */
  readonly refusal: { readonly alert: TlsAlertName; readonly reason: string } | null
  /** Signatures that were checked, for the bill. */
  readonly signaturesChecked: number
}

const CHAIN_LENGTH_MAX = 8

/** `chain` has the peer's certificate first, each next one certifying the one before. */
export function checkPath(chain: readonly Certificate[], { trust, role, name }: PathQuestion): PathVerdict {
  let signaturesChecked = 0
  const verdict = (alert: TlsAlertName, reason: string): PathVerdict => ({
    refusal: { alert, reason },
    signaturesChecked,
  })
  const [leaf] = chain
  if (leaf === undefined) return verdict('certificate_required', `the ${role} has no certificate`)
  if (!isFor(leaf, role)) return verdict('unsupported_certificate', `the certificate is not one for a TLS ${role}`)
  if (name !== null && !isNamed(leaf, name))
    return verdict('bad_certificate', `the certificate is for ${namesOf(leaf)}, not for ${name}`)
  const authorities = trust.authorities.map(decodeCertificate)
  for (const [depth, certificate] of chain.slice(0, CHAIN_LENGTH_MAX).entries()) {
    const fault = faultOf(certificate, trust.instant)
    if (fault !== null) return verdict(fault.alert, fault.reason)
    const isKnown = authorities.some(({ octets }) => equalOctets(octets, certificate.octets))
    if (isKnown) return { refusal: null, signaturesChecked }
    const known = authorities.filter(({ subject }) => equalOctets(subject, certificate.issuer))
    const issuers = known.length > 0 ? known : chain.slice(depth + 1, depth + 2)
    const issuer = issuers.find((candidate) => {
      signaturesChecked++
      return hasSigned(candidate, certificate)
    })
    if (issuer === undefined)
      return known.length > 0
        ? verdict('decrypt_error', `the signature on the certificate of ${certificate.subjectText} is wrong`)
        : verdict('unknown_ca', `the certificate's issuer ${certificate.issuerText} is not an authority we trust`)
    const limit = limitOf(issuer, depth)
    if (limit !== null) return verdict('bad_certificate', limit)
    if (known.length > 0) {
      const expired = faultOf(issuer, trust.instant)
      return expired === null ? { refusal: null, signaturesChecked } : verdict(expired.alert, expired.reason)
    }
  }
  return verdict('unknown_ca', 'the chain does not end in an authority we trust')
}

function faultOf(certificate: Certificate, instant: number): { alert: TlsAlertName; reason: string } | null {
  const { subjectText, notBefore, notAfter, unknownCritical } = certificate
  if (instant > notAfter)
    return { alert: 'certificate_expired', reason: `the certificate of ${subjectText} has expired` }
  if (instant < notBefore)
    return { alert: 'bad_certificate', reason: `the certificate of ${subjectText} is not valid yet` }
  if (unknownCritical.length > 0)
    return { alert: 'unsupported_certificate', reason: `unknown critical extension ${unknownCritical.join(', ')}` }
  return null
}

function hasSigned(issuer: Certificate, certificate: Certificate): boolean {
  return (
    equalOctets(issuer.subject, certificate.issuer) &&
    issuer.publicKey !== null &&
    certificate.signature !== null &&
    verifyEd25519(issuer.publicKey, certificate.signed, certificate.signature)
  )
}

/** Why `issuer` may not certify what stands `depth` above the leaf. */
function limitOf({ isAuthority, keyUsage, pathLengthMax, subjectText }: Certificate, depth: number): string | null {
  if (!isAuthority) return `${subjectText} signed a certificate and is no authority`
  if (keyUsage !== null && (keyUsage & keyUsageBits.keyCertSign) === 0)
    return `${subjectText} may not sign certificates`
  if (pathLengthMax !== null && depth > pathLengthMax) return `too many authorities below ${subjectText}`
  return null
}

/** Subject alternative names alone count (RFC 9525 section 2); a `*` stands for one whole first label. */
function isNamed({ dnsNames, ipAddresses }: Certificate, name: string): boolean {
  const wanted = name.toLowerCase()
  const parent = wanted.slice(wanted.indexOf('.'))
  return (
    ipAddresses.includes(wanted) ||
    dnsNames.some((each) => each === wanted || (wanted.includes('.') && each === `*${parent}`))
  )
}

function namesOf({ dnsNames, ipAddresses, subjectText }: Certificate): string {
  const names = [...dnsNames, ...ipAddresses]
  return names.length > 0 ? names.join(', ') : `nobody by name (${subjectText})`
}
