import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../../../core/base/errors.js'
import { equalOctets } from '../../../../core/base/octets.js'
import { ed25519PublicKey, verifyEd25519 } from '../../../../core/secure/ssh/key-exchange.js'
import { checkPath, type PathQuestion } from '../../../../core/secure/tls/certificate-path.js'
import {
  decodeCertificate,
  issueCertificate,
  type CertificateRequest,
  type Issuer,
} from '../../../../core/secure/tls/x509.js'

const secret = (octet: number): Uint8Array => new Uint8Array(32).fill(octet)
const root: Issuer = { commonName: 'Root', secretKey: secret(1) }
const middle: Issuer = { commonName: 'Middle', secretKey: secret(2) }
const NOW = 1_767_225_600
const DAY = 86_400

function certificate(request: Partial<CertificateRequest>, issuer: Issuer, key = secret(9)): Uint8Array {
  return issueCertificate(
    {
      commonName: 'host',
      publicKey: ed25519PublicKey(key),
      serial: Uint8Array.of(1, 2),
      notBefore: NOW - DAY,
      notAfter: NOW + DAY,
      dnsNames: ['host'],
      ...request,
    },
    issuer,
  )
}
const authority = (of: Issuer, by: Issuer, request: Partial<CertificateRequest> = {}): Uint8Array =>
  certificate({ commonName: of.commonName, isAuthority: true, dnsNames: [], ...request }, by, of.secretKey)

const rootCertificate = authority(root, root)
const hostCertificate = certificate({}, root)

describe('certificates', () => {
  it('say what they were issued for, and are signed by their issuer', () => {
    const decoded = decodeCertificate(certificate({ dnsNames: ['Host', 'host.lab'] }, root))
    expect(decoded).toMatchObject({
      ...{ issuerText: 'CN=Root', subjectText: 'CN=host', serial: '0102', notBefore: NOW - DAY, notAfter: NOW + DAY },
      ...{ isAuthority: false, dnsNames: ['host', 'host.lab'], ipAddresses: [], unknownCritical: [] },
      publicKey: ed25519PublicKey(secret(9)),
    })
    expect(verifyEd25519(ed25519PublicKey(secret(1)), decoded.signed, decoded.signature!)).toBe(true)
    expect(decodeCertificate(rootCertificate)).toMatchObject({ isAuthority: true, keyUsage: 6, extendedKeyUsage: null })
  })

  it('are the same octets every time', () => {
    expect(equalOctets(hostCertificate, certificate({}, root))).toBe(true)
  })

  it.each([0, 951_782_399, 951_782_400, 1_582_934_400, 2_524_607_999, 2_524_608_000, 4_107_542_400, 253_402_300_799])(
    'keep the second %i since 1970',
    (notAfter) => {
      expect(decodeCertificate(certificate({ notBefore: notAfter, notAfter }, root))).toMatchObject({
        notBefore: notAfter,
        notAfter,
      })
    },
  )

  it('that are cut or changed decode or are refused, nothing else', () => {
    fc.assert(
      fc.property(
        fc.nat(hostCertificate.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        (at, mask, cuts) => {
          const changed = cuts ? hostCertificate.slice(0, at) : hostCertificate.slice()
          if (!cuts) changed[at] = (changed[at] as number) ^ mask
          try {
            decodeCertificate(changed)
          } catch (error) {
            expect(error).toBeInstanceOf(WireError)
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  it('that are random octets are refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (octets) => {
        expect(() => decodeCertificate(octets)).toThrow(WireError)
      }),
    )
  })
})

describe('a chain', () => {
  const ask = (chain: readonly Uint8Array[], question: Partial<PathQuestion> = {}) => {
    const trust = { authorities: [rootCertificate], instant: NOW }
    const { refusal } = checkPath(chain.map(decodeCertificate), { trust, role: 'server', name: 'host', ...question })
    return refusal === null ? 'good' : `${refusal.alert}: ${refusal.reason}`
  }
  const at = (instant: number) => ({ trust: { authorities: [rootCertificate], instant } })

  it('is good up to an authority that is trusted, directly or through others', () => {
    expect(ask([hostCertificate])).toBe('good')
    expect(ask([certificate({}, middle), authority(middle, root)])).toBe('good')
    expect(ask([hostCertificate], { role: 'client', name: null })).toBe('good')
    expect(ask([hostCertificate], { trust: { authorities: [hostCertificate], instant: NOW } })).toBe('good')
  })

  it('takes a * for one first label', () => {
    const wild = certificate({ dnsNames: ['*.lab'] }, root)
    expect(ask([wild], { name: 'A.lab' })).toBe('good')
    for (const name of ['lab', 'a.b.lab', '.lab.', 'x']) expect(ask([wild], { name })).toMatch(/^bad_certificate/)
  })

  it.each<[string, () => string, string]>([
    ['no certificate', () => ask([]), 'certificate_required: the server has no certificate'],
    ['another name', () => ask([hostCertificate], { name: 'hos' }), 'is for host, not for hos'],
    ['no name', () => ask([certificate({ dnsNames: [] }, root)]), 'is for nobody by name (CN=host)'],
    ['an expired certificate', () => ask([hostCertificate], at(NOW + DAY + 1)), 'certificate_expired'],
    ['a certificate before its time', () => ask([hostCertificate], at(NOW - DAY - 1)), 'is not valid yet'],
    [
      'an expired authority',
      () => ask([certificate({ notAfter: NOW + 9 * DAY }, root)], at(NOW + 2 * DAY)),
      'certificate_expired: the certificate of CN=Root has expired',
    ],
    ['an unknown authority', () => ask([certificate({}, middle)]), 'unknown_ca'],
    [
      'an authority that only takes the name',
      () => ask([certificate({}, { ...root, secretKey: secret(7) })]),
      'decrypt_error: the signature on the certificate of CN=host is wrong',
    ],
    [
      'a host that plays the authority',
      () => ask([certificate({}, { commonName: 'host', secretKey: secret(9) }, secret(8)), hostCertificate]),
      'CN=host signed a certificate and is no authority',
    ],
    ['an authority as a server', () => ask([rootCertificate], { name: null }), 'unsupported_certificate'],
    ['a chain that ends nowhere', () => ask([certificate({}, middle), authority(middle, middle)]), 'unknown_ca'],
    [
      'a chain without end',
      () => ask([certificate({}, middle), ...Array.from({ length: 20 }, () => authority(middle, middle))]),
      'unknown_ca: the chain does not end in an authority we trust',
    ],
  ])('is refused for %s', (_what, verdict, reason) => {
    expect(verdict()).toContain(reason)
  })
})
