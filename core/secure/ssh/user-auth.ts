/**
 * SSH user authentication (RFC 4252), the publickey method with ssh-ed25519 (section 7), both sides. The client signs at
 * once, without asking first whether the key would do; the server answers such questions (OpenSSH asks).
 */
import { AuthenticationError, WireError } from '../../base/errors.js'
import { equalOctets } from '../../base/octets.js'
import {
  decodeEd25519Blob,
  ED25519_KEY_TYPE,
  encodeEd25519Blob,
  readerOf,
  sshMessage,
  sshMessageNumbers,
  SshWriter,
  type SshMessageName,
} from '../wire/ssh-messages.js'
import { ed25519PublicKey, signEd25519, verifyEd25519 } from './key-exchange.js'
import type { SshTransport } from './transport.js'

const AUTH_SERVICE = 'ssh-userauth'
const CONNECTION_SERVICE = 'ssh-connection'
/** Requests a client may make before the server gives up (section 4 recommends 20). */
const REQUESTS_MAX = 20

/** What the signature covers (section 7). */
function signedRequest(sessionId: Uint8Array, user: string, keyBlob: Uint8Array): Uint8Array {
  return new SshWriter()
    .string(sessionId)
    .u8(sshMessageNumbers.SSH_MSG_USERAUTH_REQUEST)
    .string(user)
    .string(CONNECTION_SERVICE)
    .string('publickey')
    .boolean(true)
    .string(ED25519_KEY_TYPE)
    .string(keyBlob)
    .take()
}

export class SshClientAuthentication {
  constructor(
    private readonly transport: SshTransport,
    private readonly user: string,
    /** ed25519 seed, 32 octets. */
    private readonly identity: Uint8Array,
  ) {}

  start(): void {
    this.transport.send('SSH_MSG_SERVICE_REQUEST', sshMessage('SSH_MSG_SERVICE_REQUEST').string(AUTH_SERVICE).take())
  }

  /** True when the user is in. */
  receiveMessage(name: SshMessageName, payload: Uint8Array): boolean {
    switch (name) {
      case 'SSH_MSG_SERVICE_ACCEPT':
        this.request()
        return false
      case 'SSH_MSG_USERAUTH_BANNER':
        return false
      case 'SSH_MSG_USERAUTH_SUCCESS':
        return true
      case 'SSH_MSG_USERAUTH_FAILURE': {
        const others = readerOf(name, payload).text('authentications that can continue').slice(0, 100)
        throw new AuthenticationError('ssh', `the server refused the user's key (it would take: ${others})`)
      }
      default:
        throw new WireError('ssh', this.transport.receivedOffset, `${name} before the user was authenticated`)
    }
  }

  private request(): void {
    const { transport, user, identity } = this
    const keyBlob = encodeEd25519Blob(ed25519PublicKey(identity))
    transport.effects.work.ed25519Signed++
    const signature = signEd25519(identity, signedRequest(transport.sessionId, user, keyBlob))
    transport.send(
      'SSH_MSG_USERAUTH_REQUEST',
      sshMessage('SSH_MSG_USERAUTH_REQUEST')
        .string(user)
        .string(CONNECTION_SERVICE)
        .string('publickey')
        .boolean(true)
        .string(ED25519_KEY_TYPE)
        .string(keyBlob)
        .string(encodeEd25519Blob(signature))
        .take(),
    )
  }
}

export class SshServerAuthentication {
  /** Who came in. */
  user: string | null = null
  private requests = 0

  constructor(
    private readonly transport: SshTransport,
    /** ed25519 public keys, 32 octets each; 'any' lets everybody in. */
    private readonly authorizedKeys: readonly Uint8Array[] | 'any',
  ) {}

  start(): void {
    // The client speaks first.
  }

  /** True when the user is in. */
  receiveMessage(name: SshMessageName, payload: Uint8Array): boolean {
    switch (name) {
      case 'SSH_MSG_SERVICE_REQUEST': {
        const service = readerOf(name, payload).text('service')
        if (service !== AUTH_SERVICE)
          throw new WireError(
            'ssh',
            this.transport.receivedOffset,
            `no service ${JSON.stringify(service.slice(0, 40))}`,
          )
        this.transport.send('SSH_MSG_SERVICE_ACCEPT', sshMessage('SSH_MSG_SERVICE_ACCEPT').string(AUTH_SERVICE).take())
        return false
      }
      case 'SSH_MSG_USERAUTH_REQUEST':
        if (++this.requests > REQUESTS_MAX)
          throw new AuthenticationError('ssh', `no key of the user was accepted in ${REQUESTS_MAX} requests`)
        return this.answer(payload)
      default:
        throw new WireError('ssh', this.transport.receivedOffset, `${name} before the user was authenticated`)
    }
  }

  private answer(payload: Uint8Array): boolean {
    const { transport } = this
    const reader = readerOf('SSH_MSG_USERAUTH_REQUEST', payload)
    const user = reader.text('user name')
    const service = reader.text('service name')
    const method = reader.text('method name')
    if (method !== 'publickey' || service !== CONNECTION_SERVICE) return this.refuse()
    const isSigned = reader.boolean('signed')
    const algorithm = reader.text('algorithm')
    const keyBlob = reader.string('public key')
    if (algorithm !== ED25519_KEY_TYPE) return this.refuse()
    const publicKey = decodeEd25519Blob(keyBlob, 32)
    const { authorizedKeys } = this
    const isKnown = authorizedKeys === 'any' || authorizedKeys.some((key) => equalOctets(key, publicKey))
    if (!isKnown) return this.refuse()
    if (!isSigned) {
      transport.send(
        'SSH_MSG_USERAUTH_PK_OK',
        sshMessage('SSH_MSG_USERAUTH_PK_OK').string(algorithm).string(keyBlob).take(),
      )
      return false
    }
    const signature = decodeEd25519Blob(reader.string('signature'), 64)
    transport.effects.work.ed25519Verified++
    if (!verifyEd25519(publicKey, signedRequest(transport.sessionId, user, keyBlob), signature)) return this.refuse()
    transport.send('SSH_MSG_USERAUTH_SUCCESS', sshMessage('SSH_MSG_USERAUTH_SUCCESS').take())
    this.user = user
    return true
  }

  private refuse(): false {
    this.transport.send(
      'SSH_MSG_USERAUTH_FAILURE',
      sshMessage('SSH_MSG_USERAUTH_FAILURE').nameList(['publickey']).boolean(false).take(),
    )
    return false
  }
}
