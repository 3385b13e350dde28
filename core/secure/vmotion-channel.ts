/**
 * vMotion as ESXi 6.5 and later protect it: memory sealed by AES-GCM under a key that vCenter hands to both hosts, if both
 * can seal (`opportunistic`, the default), or else not moved at all (`required`). How the hosts tell each other is not
 * published; here it is the least that shows what such a choice is worth:
 *
 *     Offer    magic "MIDVMOT1" (8) ‖ 1 if the source can seal, else 0 (1) ‖ random (32)
 *     Choice   the same form; 1 if both can and the destination therefore will
 *
 * Then the record channel aes-256-gcm (core/secure/records), its own hellos included, whose pre-shared key is HKDF-SHA256
 * (RFC 5869) of the key handed out, the salt being SHA-256 of offer and choice; or the payload in clear, with nothing
 * around it. So ends that heard different things and seal all the same refuse each other. Nothing binds an offer that leads
 * to clear text, though: whoever is in between writes 0 where 1 stood, and both ends believe it of each other. Only an end
 * told to require sealing notices, by what it then does not get.
 */
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import type { ByteStream } from '../base/byte-stream.js'
import { assert, AuthenticationError, WireError } from '../base/errors.js'
import { OctetQueue } from '../base/octet-queue.js'
import { concatOctets, equalOctets, latin1Octets, OctetWriter, utf8Octets } from '../base/octets.js'
import type { HostCores } from '../kernel/cores.js'
import type { Kernel } from '../kernel/kernel.js'
import { ChannelEffects, SecureChannel, type ChannelProtocol, type ChannelRole, type RandomOctets } from './channel.js'
import { libraryCosts, type CipherCosts } from './costs.js'
import { MIGRATION_PORT, type ChannelProtection } from './protection.js'
import { decodeOffer, OFFER_RANDOM_OCTETS, VMOTION_MAGIC, VMOTION_OFFER_OCTETS } from './wire/vmotion-offer.js'
import { RECORD_OCTETS_MAX } from './wire/records.js'
import { RecordProtocol } from './records/record-protocol.js'

export const vmotionChannelNames = ['vmotion-opportunistic', 'vmotion-required'] as const
export type VmotionChannelName = (typeof vmotionChannelNames)[number]

const SEALED_BY = { name: 'aes-256-gcm', secretKeyBits: 256 } as const

export interface VmotionCredentials {
  /** 32 octets that both hosts were handed for this. */
  readonly preSharedKey: Uint8Array
  /** Whether this host's processor has the instructions for it: by default ESXi seals with no other. */
  readonly canSeal: boolean
}

export class VmotionProtocol implements ChannelProtocol {
  readonly unreadOctetsMax = 262_144
  effects = new ChannelEffects()

  private state: 'offer' | 'agreed' = 'offer'
  private readonly received = new OctetQueue()
  private ownOffer: Uint8Array = new Uint8Array(0)
  /** Null before it is agreed to seal, and if it is not. */
  private records: RecordProtocol | null = null

  constructor(
    readonly name: VmotionChannelName,
    private readonly role: ChannelRole,
    private readonly credentials: VmotionCredentials,
    private readonly random: RandomOctets,
  ) {}

  start(): void {
    if (this.role === 'client') this.say('Offer', this.credentials.canSeal)
  }

  receive(octets: Uint8Array): void {
    if (this.records !== null) return this.inRecords((records) => records.receive(octets))
    this.received.push(octets)
    if (this.state === 'offer') {
      this.refuseOtherMagic()
      if (this.received.length < VMOTION_OFFER_OCTETS) return
      this.settle(this.received.take(VMOTION_OFFER_OCTETS).slice())
    }
    if (this.received.length === 0) return
    const rest = this.received.take(this.received.length).slice()
    if (this.records !== null) this.inRecords((records) => records.receive(rest))
    else this.effects.payload.push(rest)
  }

  receiveEnd(): void {
    if (this.records !== null) return this.inRecords((records) => records.receiveEnd())
    if (this.state === 'offer')
      throw new WireError(this.name, this.received.length, 'the stream was cut before anything was agreed')
    // In clear nobody can tell a cut from an end.
    this.effects.peerEnded = true
  }

  sendableOctets(): number {
    if (this.records !== null) return this.records.sendableOctets()
    return this.state === 'offer' ? 0 : RECORD_OCTETS_MAX
  }

  send(payload: Uint8Array): void {
    if (this.records !== null) this.inRecords((records) => records.send(payload))
    else this.effects.messages.push({ name: null, octets: payload.slice() })
  }

  end(): void {
    if (this.records !== null) this.inRecords((records) => records.end())
    else this.effects.finished = true
  }

  consumed(): void {
    // The lower stream's own window is the only flow control.
  }

  private say(name: 'Offer' | 'Choice', seals: boolean): void {
    this.ownOffer = new OctetWriter()
      .octets(latin1Octets(VMOTION_MAGIC))
      .u8(seals ? 1 : 0)
      .octets(this.random.octets(OFFER_RANDOM_OCTETS))
      .take()
    this.effects.messages.push({ name: `${name} (${seals ? 'sealed' : 'in clear'})`, octets: this.ownOffer })
  }

  private refuseOtherMagic(): void {
    const magic = this.received.peek(VMOTION_MAGIC.length)
    if (!equalOctets(magic, latin1Octets(VMOTION_MAGIC.slice(0, magic.length))))
      throw new WireError(this.name, 0, `does not begin with ${VMOTION_MAGIC}`)
  }

  /** With the other end's offer or choice there, both know what they will do. */
  private settle(heard: Uint8Array): void {
    const peerSeals = decodeOffer(heard)
    const { canSeal } = this.credentials
    if (this.role === 'client' && peerSeals && !canSeal)
      throw new WireError(this.name, VMOTION_MAGIC.length, 'the destination chose what it was not offered')
    const seals = peerSeals && canSeal
    if (!seals && this.name === 'vmotion-required')
      throw new AuthenticationError(
        this.name,
        canSeal ? 'the other host says that it cannot seal: not moved in clear' : 'this host cannot seal: not moved',
      )
    if (this.role === 'server') this.say('Choice', seals)
    const [offer, choice] = this.role === 'client' ? [this.ownOffer, heard] : [heard, this.ownOffer]
    this.state = 'agreed'
    if (seals) this.seal(offer, choice)
    else {
      this.effects.wentClear = true
      this.effects.opened = true
    }
  }

  private seal(offer: Uint8Array, choice: Uint8Array): void {
    const { role, credentials, random } = this
    const salt = sha256(concatOctets([offer, choice]))
    const preSharedKey = hkdf(sha256, credentials.preSharedKey, salt, utf8Octets('midstream vmotion'), 32)
    this.effects.work.hashedOctets += offer.length + choice.length + preSharedKey.length + salt.length
    this.records = new RecordProtocol(role, SEALED_BY, { preSharedKey }, random, this.name)
    this.inRecords((records) => records.start())
  }

  /** What the records want done is what this channel wants done. */
  private inRecords(act: (records: RecordProtocol) => void): void {
    assert(this.records !== null, `${this.name}: sealed without records`)
    this.records.effects = this.effects
    act(this.records)
  }
}

export interface VmotionChannelOptions extends VmotionCredentials {
  readonly role: ChannelRole
  readonly lower: ByteStream
  readonly cores: HostCores
  readonly hostName: string
  readonly random: RandomOctets
  /** In the trace, and the name of the lane; the channel's name if absent. */
  readonly channelName?: string
  readonly costs?: CipherCosts
}

export class VmotionChannel extends SecureChannel {
  constructor(kernel: Kernel, name: VmotionChannelName, options: VmotionChannelOptions) {
    const { role, lower, cores, hostName, random, channelName = name, costs = libraryCosts(SEALED_BY.name) } = options
    const place = { kernel, lower, cores, hostName, channelName, costs }
    super(place, new VmotionProtocol(name, role, options, random))
  }
}

const sealedByBoth = {
  port: MIGRATION_PORT,
  hidesContent: true,
  hidesRepetition: true,
  protectsIntegrity: true,
  authenticates: 'both',
  refusesDowngrade: true,
  hasForwardSecrecy: false,
  keyBits: 256,
  stillShows: ['which hosts talk', 'how much, and when', 'whether it is sealed', 'the length of every record'],
} as const

/** Opportunistic: what holds against somebody who listens; whoever can change an offer reads and changes all of it. */
export const vmotionProtections: Readonly<Record<VmotionChannelName, ChannelProtection>> = Object.freeze({
  'vmotion-opportunistic': Object.freeze({
    ...sealedByBoth,
    title: 'vMotion, sealed if both can',
    protectsIntegrity: false,
    authenticates: 'nobody',
    refusesDowngrade: false,
  }),
  'vmotion-required': Object.freeze({ ...sealedByBoth, title: 'vMotion, sealed or not at all' }),
})
