/**
 * X.509 version 3 certificates (RFC 5280 section 4.1) with ed25519 keys and signatures (RFC 8410): reading any, making
 * those of a lab. Extensions read: basic constraints, key usage, extended key usage, subject alternative names (dNSName,
 * iPAddress). An unknown extension that is critical is remembered, for whoever must refuse it.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { WireError } from '../../base/errors.js'
import { hexOf, latin1Octets, latin1Text, utf8Text } from '../../base/octets.js'
import { ed25519PublicKey, signEd25519 } from '../ssh/key-exchange.js'
import {
  contextTag,
  der,
  derBitString,
  derInteger,
  derObjectIdentifier,
  DerReader,
  derSequence,
  derTags,
  derTime,
  derUtf8String,
} from './der.js'

const ED25519_OID = '1.3.101.112'
const oids = {
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
} as const

const extendedKeyUsages = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const
const ANY_EXTENDED_KEY_USAGE = '2.5.29.37.0'

/** Bits of the first octet of KeyUsage (section 4.2.1.3). */
export const keyUsageBits = { digitalSignature: 0x80, keyCertSign: 0x04, cRLSign: 0x02 } as const

const attributeNames: Readonly<Record<string, string>> = {
  [oids.commonName]: 'CN',
  '2.5.4.6': 'C',
  '2.5.4.8': 'ST',
  '2.5.4.7': 'L',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
}

export interface Certificate {
  /** DER. */
  readonly octets: Uint8Array
  /** What the signature is over: tbsCertificate, DER. */
  readonly signed: Uint8Array
  /** 64 octets; null if it is not of ed25519. */
  readonly signature: Uint8Array | null
  readonly serial: string
  /** Names: DER to compare, text to show. */
  readonly issuer: Uint8Array
  readonly subject: Uint8Array
  readonly issuerText: string
  readonly subjectText: string
  /** Seconds since 1970, both included. */
  readonly notBefore: number
  readonly notAfter: number
  /** ed25519, 32 octets; null if the key is another. */
  readonly publicKey: Uint8Array | null
  readonly isAuthority: boolean
  /** How many authorities may stand below this one; null for any number. */
  readonly pathLengthMax: number | null
  /** Bits of `keyUsageBits`; null when it does not say. */
  readonly keyUsage: number | null
  /** Object identifiers; null when it does not say. */
  readonly extendedKeyUsage: readonly string[] | null
  readonly dnsNames: readonly string[]
  /** Dotted or hexadecimal, as `addressText` writes them. */
  readonly ipAddresses: readonly string[]
  readonly unknownCritical: readonly string[]
}

/** Throws `WireError` of protocol `x509`. */
export function decodeCertificate(octets: Uint8Array): Certificate {
  const outer = new DerReader(octets)
  const certificate = outer.sequence('Certificate')
  outer.expectEnd('the certificate')
  const tbs = certificate.take(derTags.sequence, 'tbsCertificate')
  const algorithm = certificate.take(derTags.sequence, 'signatureAlgorithm')
  const signature = certificate.bitString('signatureValue')
  certificate.expectEnd('signatureValue')
  const reader = new DerReader(tbs.content)
  reader.takeOptional(contextTag(0, 'constructed'), 'version')
  const serial = reader.take(derTags.integer, 'serialNumber')
  const innerAlgorithm = reader.take(derTags.sequence, 'signature')
  // Section 4.1.1.2: both name the same algorithm, and only the inner one is signed.
  if (hexOf(innerAlgorithm.whole) !== hexOf(algorithm.whole))
    throw new WireError('x509', 0, 'the two signature algorithms differ')
  const issuer = reader.take(derTags.sequence, 'issuer')
  const validity = reader.sequence('validity')
  const notBefore = validity.time('notBefore')
  const notAfter = validity.time('notAfter')
  const subject = reader.take(derTags.sequence, 'subject')
  const keyInfo = reader.sequence('subjectPublicKeyInfo')
  const keyAlgorithm = keyInfo.sequence('algorithm').objectIdentifier('algorithm')
  const key = keyInfo.bitString('subjectPublicKey')
  reader.takeOptional(contextTag(1, 'primitive'), 'issuerUniqueID')
  reader.takeOptional(contextTag(2, 'primitive'), 'subjectUniqueID')
  const extensions = reader.takeOptional(contextTag(3, 'constructed'), 'extensions')
  reader.expectEnd('extensions')
  const isOurs = new DerReader(algorithm.content).objectIdentifier('signatureAlgorithm') === ED25519_OID
  return {
    octets: octets.slice(),
    signed: tbs.whole.slice(),
    signature: isOurs && signature.length === 64 ? signature.slice() : null,
    serial: hexOf(serial.content),
    issuer: issuer.whole.slice(),
    subject: subject.whole.slice(),
    issuerText: nameText(issuer.content),
    subjectText: nameText(subject.content),
    notBefore,
    notAfter,
    publicKey: keyAlgorithm === ED25519_OID && key.length === 32 ? key.slice() : null,
    ...readExtensions(extensions?.content ?? null),
  }
}

type CertificateExtensions = Pick<
  Certificate,
  'isAuthority' | 'pathLengthMax' | 'keyUsage' | 'extendedKeyUsage' | 'dnsNames' | 'ipAddresses' | 'unknownCritical'
>

function readExtensions(octets: Uint8Array | null): CertificateExtensions {
  let isAuthority = false
  let pathLengthMax: number | null = null
  let keyUsage: number | null = null
  let extendedKeyUsage: string[] | null = null
  const dnsNames: string[] = []
  const ipAddresses: string[] = []
  const unknownCritical: string[] = []
  const seen = new Set<string>()
  const list = octets === null ? null : new DerReader(octets).sequence('extensions')
  while (list !== null && !list.isEmpty) {
    const extension = list.sequence('extension')
    const id = extension.objectIdentifier('extnID')
    if (seen.has(id)) throw new WireError('x509', 0, `extension ${id} stands twice`)
    seen.add(id)
    const critical = extension.takeOptional(derTags.boolean, 'critical')
    const value = new DerReader(extension.take(derTags.octetString, 'extnValue').content)
    switch (id) {
      case oids.basicConstraints: {
        const constraints = value.sequence('basicConstraints')
        isAuthority = constraints.takeOptional(derTags.boolean, 'cA')?.content[0] === 0xff
        const length = constraints.takeOptional(derTags.integer, 'pathLenConstraint')
        // In two octets or more it allows more than any chain here has.
        if (length !== null && length.content.length < 2) pathLengthMax = length.content[0] ?? 0
        break
      }
      case oids.keyUsage:
        keyUsage = value.take(derTags.bitString, 'keyUsage').content[1] ?? 0
        break
      case oids.extKeyUsage: {
        extendedKeyUsage = []
        const usages = value.sequence('extKeyUsage')
        while (!usages.isEmpty) extendedKeyUsage.push(usages.objectIdentifier('KeyPurposeId'))
        break
      }
      case oids.subjectAltName: {
        const names = value.sequence('subjectAltName')
        while (!names.isEmpty) {
          const { tag, content } = names.takeAny('GeneralName')
          if (tag === contextTag(2, 'primitive')) dnsNames.push(latin1Text(content).toLowerCase())
          if (tag === contextTag(7, 'primitive')) ipAddresses.push(addressText(content))
        }
        break
      }
      case oids.subjectKeyIdentifier:
      case oids.authorityKeyIdentifier:
        break
      default:
        if (critical !== null && critical.content[0] !== 0) unknownCritical.push(id)
    }
  }
  return { isAuthority, pathLengthMax, keyUsage, extendedKeyUsage, dnsNames, ipAddresses, unknownCritical }
}

/** May the certificate's key prove a TLS server or client? Both, when it does not say (section 4.2.1.12). */
export function isFor({ extendedKeyUsage, keyUsage }: Certificate, role: 'server' | 'client'): boolean {
  if (keyUsage !== null && (keyUsage & keyUsageBits.digitalSignature) === 0) return false
  return (
    extendedKeyUsage === null ||
    extendedKeyUsage.includes(extendedKeyUsages[role]) ||
    extendedKeyUsage.includes(ANY_EXTENDED_KEY_USAGE)
  )
}

/** `192.0.2.1`, or IPv6 in hexadecimal without separators. */
function addressText(octets: Uint8Array): string {
  return octets.length === 4 ? octets.join('.') : hexOf(octets)
}

function nameText(content: Uint8Array): string {
  const reader = new DerReader(content)
  const parts: string[] = []
  while (!reader.isEmpty) {
    const set = new DerReader(reader.take(derTags.set, 'RelativeDistinguishedName').content)
    while (!set.isEmpty) {
      const attribute = set.sequence('AttributeTypeAndValue')
      const id = attribute.objectIdentifier('type')
      parts.push(`${attributeNames[id] ?? id}=${utf8Text(attribute.takeAny('value').content)}`)
    }
  }
  return parts.join(',')
}

export interface CertificateRequest {
  readonly commonName: string
  /** ed25519, 32 octets. */
  readonly publicKey: Uint8Array
  /** At most 20 octets, the first from 1 to 127. */
  readonly serial: Uint8Array
  /** Seconds since 1970. */
  readonly notBefore: number
  readonly notAfter: number
  /** A host's names; an authority has none. */
  readonly dnsNames?: readonly string[]
  readonly isAuthority?: boolean
}

export interface Issuer {
  readonly commonName: string
  /** Seed of its ed25519 key, 32 octets. */
  readonly secretKey: Uint8Array
}

/** A certificate in DER. The same request and issuer give the same octets: ed25519 signs without chance. */
export function issueCertificate(request: CertificateRequest, issuer: Issuer): Uint8Array {
  const algorithm = derSequence(derObjectIdentifier(ED25519_OID))
  const tbs = derSequence(
    der(contextTag(0, 'constructed'), derInteger(Uint8Array.of(2))),
    derInteger(request.serial),
    algorithm,
    nameOf(issuer.commonName),
    derSequence(derTime(request.notBefore), derTime(request.notAfter)),
    nameOf(request.commonName),
    derSequence(algorithm, derBitString(request.publicKey)),
    der(contextTag(3, 'constructed'), derSequence(...extensionsOf(request, ed25519PublicKey(issuer.secretKey)))),
  )
  return derSequence(tbs, algorithm, derBitString(signEd25519(issuer.secretKey, tbs)))
}

function extensionsOf({ isAuthority = false, dnsNames = [], publicKey }: CertificateRequest, issuerKey: Uint8Array) {
  const usage = isAuthority ? keyUsageBits.keyCertSign | keyUsageBits.cRLSign : keyUsageBits.digitalSignature
  const basicConstraints = derSequence(...(isAuthority ? [der(derTags.boolean, Uint8Array.of(0xff))] : []))
  const extensions = [
    extension(oids.basicConstraints, true, basicConstraints),
    // QEMU before 10.1 refuses a critical one of a host that does not permit key encipherment, which ed25519 has no use for.
    extension(oids.keyUsage, isAuthority, derBitString(Uint8Array.of(usage), isAuthority ? 1 : 7)),
    extension(oids.subjectKeyIdentifier, false, der(derTags.octetString, keyIdentifier(publicKey))),
    extension(
      oids.authorityKeyIdentifier,
      false,
      derSequence(der(contextTag(0, 'primitive'), keyIdentifier(issuerKey))),
    ),
  ]
  if (isAuthority) return extensions
  const usages = [extendedKeyUsages.server, extendedKeyUsages.client].map(derObjectIdentifier)
  const names = dnsNames.map((name) => der(contextTag(2, 'primitive'), latin1Octets(name)))
  return [
    ...extensions,
    extension(oids.extKeyUsage, false, derSequence(...usages)),
    extension(oids.subjectAltName, false, derSequence(...names)),
  ]
}

function extension(id: string, isCritical: boolean, value: Uint8Array): Uint8Array {
  const critical = isCritical ? [der(derTags.boolean, Uint8Array.of(0xff))] : []
  return derSequence(derObjectIdentifier(id), ...critical, der(derTags.octetString, value))
}

/** 160 bits of SHA-256 (RFC 7093 section 2, method 1). */
function keyIdentifier(publicKey: Uint8Array): Uint8Array {
  return sha256(publicKey).slice(0, 20)
}

function nameOf(commonName: string): Uint8Array {
  return derSequence(der(derTags.set, derSequence(derObjectIdentifier(oids.commonName), derUtf8String(commonName))))
}
