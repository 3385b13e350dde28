/** The server of TLS 1.3 (RFC 8446 section 4, appendix A.2). */
import { assert } from '../../base/errors.js'
import { equalOctets } from '../../base/octets.js'
import {
  ED25519_SCHEME,
  encodeCertificateRequest,
  encodeEncryptedExtensions,
  encodeKeyShare,
  encodeServerHello,
  extensionTypes,
  hasPskDheMode,
  parseClientHello,
  parseKeyShares,
  parseOfferedPsks,
  parseServerName,
  parseU16List,
  RETRY_RANDOM,
  TLS_1_3,
  TlsWriter,
  X25519_GROUP,
  type ClientHello,
  type HandshakeName,
} from '../wire/tls-handshake.js'
import { TlsConnection, type TlsIdentity, type TlsOptions, type TlsPsk } from './connection.js'
import type { TlsTrust } from './certificate-path.js'
import { cipherSuiteNames, cipherSuiteOf, cipherSuites, KeySchedule, type CipherSuiteName } from './key-schedule.js'
import type { TrafficKeys } from './record-protection.js'

export interface TlsServerCredentials {
  /** Absent if it only takes pre-shared keys. */
  readonly identity?: TlsIdentity
  /** With it, clients must show a certificate: mutual authentication. 'any' is the mistake of taking every one. */
  readonly clientTrust?: TlsTrust | 'any'
  /** The only client that is let in, by the name in its certificate; any if absent. */
  readonly clientName?: string
  readonly psks?: readonly TlsPsk[]
}

type ServerStep = 'ClientHello' | 'Certificate' | 'CertificateVerify' | 'Finished'

const TLS_1_3_OCTETS = Uint8Array.of(TLS_1_3 >> 8, TLS_1_3 & 255)

export class TlsServer extends TlsConnection {
  /** The host name the client asked for; null if none. */
  serverName: string | null = null
  private step: ServerStep = 'ClientHello'
  private readonly supported: readonly CipherSuiteName[]
  /** What our HelloRetryRequest chose. */
  private retriedSuite: CipherSuiteName | null = null
  /** The client's keys after its Finished. */
  private nextReceiveKeys: TrafficKeys | null = null

  constructor(
    private readonly credentials: TlsServerCredentials,
    options: TlsOptions,
  ) {
    super('client', options)
    const { identity, psks } = credentials
    assert(identity !== undefined || psks !== undefined, 'tls: a server needs a certificate or pre-shared keys')
    this.supported = options.cipherSuites ?? cipherSuiteNames
  }

  start(): void {
    // The client speaks first.
  }

  protected receiveHandshake(name: HandshakeName, message: Uint8Array): void {
    if (name !== this.step) this.refuse('unexpected_message', `${name} where ${this.step} belongs`)
    switch (name) {
      case 'ClientHello':
        return this.answerClientHello(message)
      case 'Certificate': {
        const { clientTrust, clientName } = this.credentials
        assert(clientTrust !== undefined, 'tls: a certificate nobody asked for')
        if (!this.acceptCertificate(message, clientTrust, clientName ?? null))
          this.refuse('certificate_required', 'the client has no certificate')
        this.step = 'CertificateVerify'
        return
      }
      case 'CertificateVerify':
        this.acceptCertificateVerify(message)
        this.step = 'Finished'
        return
      default:
        return this.finish(message)
    }
  }

  private answerClientHello(message: Uint8Array): void {
    const hello = parseClientHello(message.subarray(4))
    this.clientRandom = hello.random
    this.checkClientHello(hello)
    const psk = this.choosePsk(hello, message)
    const suite = this.chooseSuite(hello, psk !== null)
    const share = this.clientShare(hello)
    if (share === undefined) return this.retry(hello, suite, message)
    if (psk === null) this.checkCertificateUse(hello)
    this.cipherSuite = suite
    this.usesPsk = psk !== null
    this.addToTranscript(message)
    const random = this.options.random.octets(32)
    const [secret, publicKey] = this.makeKeyPair()
    const shared = this.agree(secret, share)
    const extensions = new Map<number, Uint8Array>([
      [extensionTypes.supported_versions, TLS_1_3_OCTETS],
      [extensionTypes.key_share, encodeKeyShare(publicKey)],
    ])
    if (psk !== null) extensions.set(extensionTypes.pre_shared_key, new TlsWriter().u16(psk.index).take())
    const { number } = cipherSuites[suite]
    this.sendHandshake(
      'ServerHello',
      encodeServerHello({ random, sessionId: hello.sessionId, cipherSuite: number, extensions }),
    )
    if (hello.sessionId.length > 0 && this.retriedSuite === null) this.sendChangeCipherSpec()
    this.schedule = new KeySchedule(cipherSuites[suite].hash, psk?.key)
    this.schedule.advance(shared)
    this.sendFlight()
  }

  /** Everything from EncryptedExtensions on; then the keys for payload. */
  private sendFlight(): void {
    const { clientTrust, identity } = this.credentials
    const { client, server } = this.deriveKeys('handshake')
    this.setReceiveKeys(client)
    this.sendKeys = server
    this.sendHandshake('EncryptedExtensions', encodeEncryptedExtensions())
    const asks = clientTrust !== undefined && !this.usesPsk
    if (asks) this.sendHandshake('CertificateRequest', encodeCertificateRequest())
    if (!this.usesPsk) this.sendCertificate(new Uint8Array(0), identity)
    this.sendFinished()
    this.schedule?.advance(null)
    const next = this.deriveKeys('application')
    this.sendKeys = next.server
    this.nextReceiveKeys = next.client
    this.step = asks ? 'Certificate' : 'Finished'
  }

  private finish(message: Uint8Array): void {
    this.acceptFinished(message)
    assert(this.nextReceiveKeys !== null, 'tls: the client finished before us')
    this.setReceiveKeys(this.nextReceiveKeys)
    this.open()
  }

  private checkClientHello({ extensions }: ClientHello): void {
    const versions = extensions.get(extensionTypes.supported_versions)
    if (versions === undefined || !parseU16List(versions, 'supported_versions', 1).includes(TLS_1_3))
      this.refuse('protocol_version', 'the client does not speak TLS 1.3')
    const groups = extensions.get(extensionTypes.supported_groups)
    if (groups === undefined) this.refuse('missing_extension', 'the client names no groups')
    if (!parseU16List(groups, 'supported_groups').includes(X25519_GROUP))
      this.refuse('handshake_failure', 'the client does not know the group x25519')
    const types = [...extensions.keys()]
    if (extensions.has(extensionTypes.pre_shared_key) && types.at(-1) !== extensionTypes.pre_shared_key)
      this.refuse('illegal_parameter', 'pre_shared_key is not the last extension')
    const name = extensions.get(extensionTypes.server_name)
    this.serverName = name === undefined ? null : parseServerName(name)
  }

  /** Which of ours the client holds as well; null for none. A wrong binder is refused: somebody pretends. */
  private choosePsk({ extensions, cipherSuites: suites }: ClientHello, message: Uint8Array) {
    const modes = extensions.get(extensionTypes.psk_key_exchange_modes)
    const offered = extensions.get(extensionTypes.pre_shared_key)
    if (offered === undefined || this.credentials.psks === undefined) return null
    if (modes === undefined) this.refuse('missing_extension', 'a pre-shared key and no psk_key_exchange_modes')
    const { identities, binders, bindersOctets } = parseOfferedPsks(offered)
    const isUsable = hasPskDheMode(modes) && suites.some((suite) => this.isSupported(suite, true))
    for (const [index, identity] of isUsable ? identities.entries() : []) {
      const psk = this.credentials.psks.find((each) => equalOctets(each.identity, identity))
      if (psk === undefined) continue
      const schedule = new KeySchedule('sha256', psk.key)
      const covered = message.subarray(0, message.length - bindersOctets)
      const binder = schedule.finished(schedule.binderKey(), this.transcript.hash('sha256', covered))
      this.effects.work.hashedOctets += covered.length + schedule.takeHashedOctets()
      if (!equalOctets(binder, binders[index] ?? new Uint8Array(0)))
        this.refuse('decrypt_error', 'the client does not hold the pre-shared key it names')
      return { index, key: psk.key }
    }
    return null
  }

  private isSupported(number: number, forPsk: boolean): boolean {
    const suite = cipherSuiteOf(number)
    return suite !== undefined && this.supported.includes(suite) && (!forPsk || cipherSuites[suite].hash === 'sha256')
  }

  private chooseSuite({ cipherSuites: offered }: ClientHello, forPsk: boolean): CipherSuiteName {
    const number = offered.find((each) => this.isSupported(each, forPsk))
    const suite = number === undefined ? undefined : cipherSuiteOf(number)
    if (suite === undefined) this.refuse('handshake_failure', 'no cipher suite in common')
    if ((this.retriedSuite ?? suite) !== suite) this.refuse('illegal_parameter', 'other cipher suites than before')
    return suite
  }

  private clientShare({ extensions }: ClientHello): Uint8Array | undefined {
    const shares = extensions.get(extensionTypes.key_share)
    if (shares === undefined) this.refuse('missing_extension', 'the client sends no key_share')
    return parseKeyShares(shares).get(X25519_GROUP)
  }

  private checkCertificateUse({ extensions }: ClientHello): void {
    if (this.credentials.identity === undefined)
      this.refuse('unknown_psk_identity', 'the client offers no pre-shared key that is known here')
    const schemes = extensions.get(extensionTypes.signature_algorithms)
    if (schemes === undefined) this.refuse('missing_extension', 'the client names no signature algorithms')
    if (!parseU16List(schemes, 'signature_algorithms').includes(ED25519_SCHEME))
      this.refuse('handshake_failure', 'the client does not know ed25519')
  }

  /** Ask for a share of x25519 (section 4.1.4): the client knows the group, and guessed that we want another. */
  private retry({ sessionId }: ClientHello, suite: CipherSuiteName, message: Uint8Array): void {
    if (this.retriedSuite !== null) this.refuse('illegal_parameter', 'no share for the group that was asked for')
    this.retriedSuite = suite
    this.addToTranscript(message)
    this.transcript.replaceByHash(cipherSuites[suite].hash)
    const extensions = new Map<number, Uint8Array>([
      [extensionTypes.supported_versions, TLS_1_3_OCTETS],
      [extensionTypes.key_share, new TlsWriter().u16(X25519_GROUP).take()],
    ])
    const cipherSuite = cipherSuites[suite].number
    this.sendHandshake(
      'HelloRetryRequest',
      encodeServerHello({ random: RETRY_RANDOM, sessionId, cipherSuite, extensions }),
    )
    if (sessionId.length > 0) this.sendChangeCipherSpec()
  }
}
