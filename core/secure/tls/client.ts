/** The client of TLS 1.3 (RFC 8446 section 4, appendix A.1). */
import { assert } from '../../base/errors.js'
import { equalOctets, readU16be } from '../../base/octets.js'
import {
  ED25519_SCHEME,
  encodeClientHello,
  encodeKeyShares,
  encodeOfferedPsk,
  encodePskModes,
  encodeServerName,
  encodeU16List,
  extensionTypes,
  isRetryRequest,
  parseCertificateRequest,
  parseEncryptedExtensions,
  parseKeyShare,
  parseServerHello,
  parseU16List,
  TLS_1_3,
  X25519_GROUP,
  type Extensions,
  type HandshakeName,
  type ServerHello,
} from '../wire/tls-handshake.js'
import { TlsConnection, type TlsIdentity, type TlsOptions, type TlsPsk } from './connection.js'
import type { TlsTrust } from './certificate-path.js'
import { cipherSuiteNames, cipherSuiteOf, cipherSuites, KeySchedule, type CipherSuiteName } from './key-schedule.js'

export interface TlsClientCredentials {
  /** Whom it means to reach: asked for by name, and held against the server's certificate. */
  readonly serverName: string
  /** 'any' is the mistake of taking every certificate; absent if only the pre-shared key counts. */
  readonly trust?: TlsTrust | 'any'
  /** Shown to servers that ask. */
  readonly identity?: TlsIdentity
  readonly psk?: TlsPsk
}

type ClientStep = 'ServerHello' | 'EncryptedExtensions' | 'Certificate' | 'CertificateVerify' | 'Finished'

const BINDER_OCTETS = 32

export class TlsClient extends TlsConnection {
  private step: ClientStep = 'ServerHello'
  private readonly offered: readonly CipherSuiteName[]
  private sessionId: Uint8Array = new Uint8Array(0)
  private ephemeralSecret: Uint8Array = new Uint8Array(0)
  private ephemeralPublic: Uint8Array = new Uint8Array(0)
  /** What a HelloRetryRequest chose. */
  private retriedSuite: CipherSuiteName | null = null
  /** The server asked for our certificate, in these words. */
  private request: { readonly context: Uint8Array; readonly takesEd25519: boolean } | null = null

  constructor(
    private readonly credentials: TlsClientCredentials,
    options: TlsOptions,
  ) {
    super('server', options)
    const { trust, psk } = credentials
    assert(trust !== undefined || psk !== undefined, 'tls: a client needs authorities it trusts, or a pre-shared key')
    const suites = options.cipherSuites ?? cipherSuiteNames
    // Without trust in certificates a suite that the pre-shared key does not fit is of no use.
    this.offered = trust === undefined ? suites.filter((suite) => cipherSuites[suite].hash === 'sha256') : suites
  }

  start(): void {
    this.clientRandom = this.options.random.octets(32)
    // Only for middleboxes (appendix D.4): there is no session.
    this.sessionId = this.options.random.octets(32)
    const [secret, publicKey] = this.makeKeyPair()
    this.ephemeralSecret = secret
    this.ephemeralPublic = publicKey
    this.sendHello(null)
  }

  protected receiveHandshake(name: HandshakeName, message: Uint8Array): void {
    const isRequest = name === 'CertificateRequest' && this.step === 'Certificate' && this.request === null
    if (name !== this.step && !isRequest) this.refuse('unexpected_message', `${name} where ${this.step} belongs`)
    switch (name) {
      case 'ServerHello':
        return this.acceptServerHello(message)
      case 'EncryptedExtensions':
        return this.acceptEncryptedExtensions(message)
      case 'CertificateRequest':
        return this.acceptCertificateRequest(message)
      case 'Certificate':
        this.acceptCertificate(message, this.credentials.trust ?? 'any', this.credentials.serverName)
        this.step = 'CertificateVerify'
        return
      case 'CertificateVerify':
        this.acceptCertificateVerify(message)
        this.step = 'Finished'
        return
      default:
        return this.finish(message)
    }
  }

  private sendHello(cookie: Uint8Array | null): void {
    const { psk } = this.credentials
    const hello = this.encodeHello(cookie, new Uint8Array(BINDER_OCTETS))
    if (psk === undefined) return this.sendHandshake('ClientHello', hello)
    // The binder covers everything up to the list of binders: 2 octets of its length, 1 of the binder's.
    const schedule = new KeySchedule('sha256', psk.key)
    const covered = hello.subarray(0, hello.length - BINDER_OCTETS - 3)
    const binder = schedule.finished(schedule.binderKey(), this.transcript.hash('sha256', covered))
    this.effects.work.hashedOctets += covered.length + schedule.takeHashedOctets()
    this.sendHandshake('ClientHello', this.encodeHello(cookie, binder))
  }

  private encodeHello(cookie: Uint8Array | null, binder: Uint8Array): Uint8Array {
    const { serverName, psk } = this.credentials
    const extensions = new Map<number, Uint8Array>()
    // RFC 6066 section 3: addresses are no names.
    if (!/^[\d.]+$|:/.test(serverName)) extensions.set(extensionTypes.server_name, encodeServerName(serverName))
    extensions.set(extensionTypes.supported_groups, encodeU16List([X25519_GROUP]))
    extensions.set(extensionTypes.signature_algorithms, encodeU16List([ED25519_SCHEME]))
    extensions.set(extensionTypes.supported_versions, encodeU16List([TLS_1_3], 1))
    if (cookie !== null) extensions.set(extensionTypes.cookie, cookie)
    extensions.set(extensionTypes.key_share, encodeKeyShares(this.ephemeralPublic))
    if (psk !== undefined) {
      extensions.set(extensionTypes.psk_key_exchange_modes, encodePskModes())
      // Must be the last (section 4.2.11).
      extensions.set(extensionTypes.pre_shared_key, encodeOfferedPsk(psk.identity, binder))
    }
    return encodeClientHello({
      random: this.clientRandom,
      sessionId: this.sessionId,
      cipherSuites: this.offered.map((suite) => cipherSuites[suite].number),
      extensions,
    })
  }

  private acceptServerHello(message: Uint8Array): void {
    const hello = parseServerHello(message.subarray(4))
    const suite = this.checkServerHello(hello)
    if (isRetryRequest(hello)) return this.retry(hello, suite, message)
    const share = hello.extensions.get(extensionTypes.key_share)
    if (share === undefined) this.refuse('missing_extension', 'the server agreed on no key')
    const { group, publicKey } = parseKeyShare(share)
    if (group !== X25519_GROUP) this.refuse('illegal_parameter', `group 0x${group.toString(16)} was not offered`)
    this.cipherSuite = suite
    this.acceptPsk(hello.extensions, suite)
    this.schedule = new KeySchedule(cipherSuites[suite].hash, this.usesPsk ? this.credentials.psk?.key : null)
    this.schedule.advance(this.agree(this.ephemeralSecret, publicKey))
    this.ephemeralSecret = new Uint8Array(0)
    this.addToTranscript(message)
    const { client, server } = this.deriveKeys('handshake')
    this.setReceiveKeys(server)
    this.sendChangeCipherSpec()
    this.sendKeys = client
    this.step = 'EncryptedExtensions'
  }

  /** What holds for a HelloRetryRequest as well. */
  private checkServerHello({ extensions, sessionId, cipherSuite }: ServerHello): CipherSuiteName {
    const version = extensions.get(extensionTypes.supported_versions)
    if (version?.length !== 2 || readU16be(version, 0) !== TLS_1_3)
      this.refuse('protocol_version', 'the server does not speak TLS 1.3')
    if (!equalOctets(sessionId, this.sessionId)) this.refuse('illegal_parameter', 'another session id than was sent')
    const suite = cipherSuiteOf(cipherSuite)
    if (suite === undefined || !this.offered.includes(suite) || (this.retriedSuite ?? suite) !== suite)
      this.refuse('illegal_parameter', `cipher suite 0x${cipherSuite.toString(16)} was not offered`)
    return suite
  }

  /** Section 4.1.4. We offer one group and its share, so all that a server can want is its cookie back. */
  private retry({ extensions }: ServerHello, suite: CipherSuiteName, message: Uint8Array): void {
    const cookie = extensions.get(extensionTypes.cookie)
    if (this.retriedSuite !== null) this.refuse('unexpected_message', 'a second HelloRetryRequest')
    if (cookie === undefined || extensions.size > 2)
      this.refuse('illegal_parameter', 'a HelloRetryRequest for what was not offered, or for nothing new')
    this.retriedSuite = suite
    this.transcript.replaceByHash(cipherSuites[suite].hash)
    this.addToTranscript(message)
    this.sendHello(cookie)
  }

  private acceptPsk(extensions: Extensions, suite: CipherSuiteName): void {
    const { psk, trust } = this.credentials
    const selected = extensions.get(extensionTypes.pre_shared_key)
    const extra = [...extensions.keys()].find(
      (type) =>
        type !== extensionTypes.supported_versions &&
        type !== extensionTypes.key_share &&
        !(type === extensionTypes.pre_shared_key && psk !== undefined),
    )
    if (extra !== undefined) this.refuse('unsupported_extension', `extension ${extra} was not asked for`)
    this.usesPsk = selected !== undefined
    const isFitting = selected?.length === 2 && readU16be(selected, 0) === 0 && cipherSuites[suite].hash === 'sha256'
    if (this.usesPsk && !isFitting) this.refuse('illegal_parameter', 'the server chose a pre-shared key that is none')
    if (!this.usesPsk && trust === undefined)
      this.refuse('handshake_failure', 'the server did not take the pre-shared key')
  }

  private acceptEncryptedExtensions(message: Uint8Array): void {
    const extensions = parseEncryptedExtensions(message.subarray(4))
    // A server may answer the name with an empty server_name, and say which groups it likes better.
    for (const type of extensions.keys())
      if (type !== extensionTypes.server_name && type !== extensionTypes.supported_groups)
        this.refuse('unsupported_extension', `extension ${type} was not asked for`)
    this.addToTranscript(message)
    this.step = this.usesPsk ? 'Finished' : 'Certificate'
  }

  private acceptCertificateRequest(message: Uint8Array): void {
    const { context, extensions } = parseCertificateRequest(message.subarray(4))
    const schemes = extensions.get(extensionTypes.signature_algorithms)
    if (schemes === undefined) this.refuse('missing_extension', 'a request for a certificate with no algorithms')
    if (context.length > 0) this.refuse('illegal_parameter', 'a request with a context during the handshake')
    const takesEd25519 = parseU16List(schemes, 'signature_algorithms').includes(ED25519_SCHEME)
    this.request = { context, takesEd25519 }
    this.addToTranscript(message)
  }

  private finish(message: Uint8Array): void {
    this.acceptFinished(message)
    this.schedule?.advance(null)
    const { client, server } = this.deriveKeys('application')
    this.setReceiveKeys(server)
    if (this.request !== null) {
      const { context, takesEd25519 } = this.request
      this.sendCertificate(context, takesEd25519 ? this.credentials.identity : undefined)
    }
    this.sendFinished()
    this.sendKeys = client
    this.open()
  }
}
