/**
 * IPsec on a host: the policies and associations of core/secure/esp with time, cores, and a place in the host's stack. Sealing
 * and opening are work on the lane `esp`; a packet leaves, or arrives, when it is done. The first packet that a policy wants
 * sealed begins the key exchange on UDP port 500, and waits for it.
 */
import { AuthenticationError, failureOf, type Failure } from '../base/errors.js'
import { equalOctets, readU32be } from '../base/octets.js'
import type { PacketTransform, PacketVerdict } from '../base/packet-transform.js'
import { milliseconds, type Nanos } from '../base/units.js'
import type { HostCores } from '../kernel/cores.js'
import type { Kernel, KernelEvent, Process, QueuedEvent } from '../kernel/kernel.js'
import type { HostStack } from '../net/host-stack.js'
import type { ReceivedDatagram, UdpListener } from '../net/udp.js'
import { readIpv6, type IpAddress, type Ipv6Address } from '../net/wire/addresses.js'
import { libraryCosts, priceOf, type CipherCosts, type CipherWork } from '../secure/costs.js'
import { isResponse, type IkeEffects, type IkeEnd, type IkeParts } from '../secure/esp/ike-exchange.js'
import { IkeInitiator } from '../secure/esp/ike-initiator.js'
import { IkeResponder } from '../secure/esp/ike-responder.js'
import { IKE_PORT, SecurityPolicies, type EspMode, type EspVerdict } from '../secure/esp/security-policies.js'
import { decodeIkeMessage } from '../secure/wire/ike.js'

const LANE = 'esp'
/** In an IPv6 header. */
const SOURCE_AT = 8
const DESTINATION_AT = 24
export const ESP_CIPHER = 'aes-256-gcm'
/** RFC 7296 section 2.1 leaves times to us: after half a second, then twice as long each time. */
const RESEND_NS: Nanos = milliseconds(500)
const RESENDS_MAX = 5
/** Exchanges that somebody began, of one peer's address; the oldest goes when there are more. */
const RESPONDERS_MAX = 4
/** RFC 4303 section 2.1: less is reserved. */
const SPI_MIN = 256

/** Another host, as whoever set this one up knows it. */
export interface IpsecPeer {
  readonly name: string
  readonly address: Ipv6Address
  /** Ed25519. */
  readonly publicKey: Uint8Array
  readonly mode: EspMode
  /** Of our end. */
  readonly costs: CipherCosts
}

/** Told when no association comes about, so that nothing will arrive. */
export interface ProtectionWatcher {
  protectionFailed(cause: Failure): void
}

interface PeerState {
  readonly peer: IpsecPeer
  initiator: IkeInitiator | null
  readonly responders: IkeResponder[]
  readonly watchers: Set<ProtectionWatcher>
  timer: QueuedEvent | null
  resends: number
  /** What was refused last; a peer that never answers is told from one whose answers are spoilt. */
  lastRefusal: string | null
  /** Why there are no associations and will be none. */
  failure: Failure | null
}

type IpsecEvent =
  | { readonly kind: 'ike-timeout'; readonly state: PeerState }
  | {
      readonly kind: 'ike-work'
      readonly state: PeerState
      readonly effects: IkeEffects
      /** That ended the exchange. */
      readonly failure: Failure | null
    }

export interface IpsecHostParts {
  readonly stack: HostStack
  readonly cores: HostCores
  /** Our address towards peers. */
  readonly address: Ipv6Address
  /** Seed of our Ed25519 key. */
  readonly secretKey: Uint8Array
}

export class IpsecHost implements PacketTransform, UdpListener, Process {
  readonly policies = new SecurityPolicies()
  private readonly peers = new Map<IpAddress, PeerState>()
  private readonly refused = new Map<string, number>()

  constructor(
    private readonly kernel: Kernel,
    private readonly parts: IpsecHostParts,
  ) {}

  get address(): Ipv6Address {
    return this.parts.address
  }

  /** From now on nothing goes to that host, or is taken from it, that is not sealed; with keys that are yet to be made. */
  protect(peer: IpsecPeer): void {
    const { stack, address: local } = this.parts
    if (stack.ip.transformed.transform === null) {
      stack.ip.transformed.transform = this
      stack.udp.listen(IKE_PORT, this)
    }
    this.kernel.cancel(this.peers.get(peer.address)?.timer ?? null)
    this.policies.set({ local, remote: peer.address, action: 'protect', mode: peer.mode })
    this.peers.set(peer.address, {
      peer,
      initiator: null,
      responders: [],
      watchers: new Set(),
      timer: null,
      resends: 0,
      lastRefusal: null,
      failure: null,
    })
  }

  watch(address: Ipv6Address, watcher: ProtectionWatcher): void {
    this.peers.get(address)?.watchers.add(watcher)
  }

  // What IP asks.

  outgoing(packet: Uint8Array): PacketVerdict {
    const verdict = this.policies.outgoing(packet)
    if (verdict.kind !== 'no-association') return this.verdictOf(verdict, packet, DESTINATION_AT)
    const state = this.peers.get(verdict.policy.remote)
    if (state === undefined) return { kind: 'pass' }
    if (state.failure !== null) return { kind: 'drop', reason: state.failure.message }
    if (state.initiator === null) this.begin(state)
    return { kind: 'wait' }
  }

  incoming(packet: Uint8Array): PacketVerdict {
    return this.verdictOf(this.policies.incoming(packet), packet, SOURCE_AT)
  }

  innerMtu(destination: IpAddress, mtu: number): number {
    return this.policies.innerMtu(destination, mtu)
  }

  busyUntilNs(): Nanos {
    return this.parts.cores.busyUntilNs(LANE)
  }

  /** `peerAt` is where in the header the peer's address stands. */
  private verdictOf(verdict: EspVerdict, packet: Uint8Array, peerAt: number): PacketVerdict {
    if (verdict.kind === 'pass' || verdict.kind === 'no-association') return { kind: 'pass' }
    const readyNs = this.book(verdict.work, this.peers.get(readIpv6(packet, peerAt)))
    switch (verdict.kind) {
      case 'refused':
        this.refuse('esp', verdict.reason)
        return { kind: 'drop', reason: verdict.reason }
      case 'done':
        return { kind: 'replace', packet: verdict.packet, readyNs }
    }
  }

  // The key exchange.

  datagramReceived({ source, sourcePort, payload }: ReceivedDatagram): void {
    const state = this.peers.get(source)
    if (state === undefined || sourcePort !== IKE_PORT) return this.refuse('ike', 'from nobody that a policy names')
    let end: IkeEnd | null = null
    let failure: Failure | null = null
    try {
      end = this.endFor(state, payload)
      end.receive(payload.slice())
    } catch (error) {
      const cause = failureOf(error)
      state.lastRefusal = cause.message
      this.refuse('ike', cause.message)
    }
    if (end === null) return
    if (end === state.initiator && end.state === 'failed') ({ failure } = end)
    this.bookExchange(state, end, failure)
  }

  handleEvent(event: KernelEvent): void {
    const ipsecEvent = event as IpsecEvent
    const { state } = ipsecEvent
    // Another policy may have come in the meantime.
    if (this.peers.get(state.peer.address) !== state) return
    if (ipsecEvent.kind === 'ike-work') this.finishWork(ipsecEvent)
    else this.timedOut(state)
  }

  private begin(state: PeerState): void {
    const initiator = new IkeInitiator(this.exchangeParts(state.peer))
    state.initiator = initiator
    initiator.start()
    this.bookExchange(state, initiator, null)
  }

  /** Whose message it is; an IKE_SA_INIT request begins an exchange. Throws `WireError`. */
  private endFor(state: PeerState, octets: Uint8Array): IkeEnd {
    const message = decodeIkeMessage(octets)
    const { initiator, responders } = state
    if (isResponse(message)) {
      if (initiator === null || !equalOctets(message.initiatorSpi, initiator.initiatorSpi))
        throw new AuthenticationError('ike', 'a response to nothing that was asked')
      return initiator
    }
    const known = responders.find(({ initiatorSpi }) => equalOctets(initiatorSpi, message.initiatorSpi))
    if (known !== undefined) return known
    const responder = new IkeResponder(this.exchangeParts(state.peer), message.initiatorSpi)
    if (responders.length >= RESPONDERS_MAX) responders.shift()
    responders.push(responder)
    return responder
  }

  private exchangeParts({ name: peerName, publicKey: peerPublicKey, address: remote, mode }: IpsecPeer): IkeParts {
    const { stack, secretKey, address: local } = this.parts
    const random = this.kernel.random(`${stack.name}/ike`)
    let spi = 0
    while (spi < SPI_MIN || this.policies.hasSpi(spi)) spi = readU32be(random.octets(4), 0)
    return { name: stack.name, secretKey, peerName, peerPublicKey, local, remote, mode, spi, random }
  }

  private bookExchange(state: PeerState, end: IkeEnd, failure: Failure | null): void {
    const effects = end.takeEffects()
    const event: IpsecEvent = { kind: 'ike-work', state, effects, failure }
    this.kernel.scheduleAt(this.book(effects.work, state), this, event)
  }

  private finishWork({ state, effects, failure }: Extract<IpsecEvent, { kind: 'ike-work' }>): void {
    const { peer } = state
    const { ip } = this.parts.stack
    if (effects.associations !== null) this.policies.install(peer.address, effects.associations)
    for (const { name, octets } of effects.datagrams) this.sendMessage(peer, name, octets)
    if (effects.associations !== null) {
      this.kernel.cancel(state.timer)
      ip.transformed.retryWaiting()
    } else if (failure !== null) this.fail(state, failure)
    else if (state.initiator !== null && effects.datagrams.length > 0) this.arm(state)
  }

  private sendMessage({ address, mode }: IpsecPeer, name: string, octets: Uint8Array): void {
    const { stack, address: source } = this.parts
    stack.enter()
    stack.udp.send({ sourcePort: IKE_PORT, source, destination: address, destinationPort: IKE_PORT, payload: octets })
    stack.leave()
    const channel = mode === 'transport' ? 'esp' : 'esp-tunnel'
    this.kernel.trace.add('channel-message', { channel, sender: stack.name, name, octets: octets.length })
  }

  private arm(state: PeerState): void {
    this.kernel.cancel(state.timer)
    const event: IpsecEvent = { kind: 'ike-timeout', state }
    state.timer = this.kernel.schedule(RESEND_NS * 2 ** state.resends, this, event)
  }

  private timedOut(state: PeerState): void {
    const { initiator } = state
    if (initiator === null || initiator.state === 'done') return
    if (state.resends >= RESENDS_MAX) {
      const refusal = state.lastRefusal === null ? '' : `; the last was refused: ${state.lastRefusal}`
      this.fail(state, {
        kind: 'connection',
        protocol: 'ike',
        message: `ike: no answer from ${state.peer.name} that could be taken${refusal}`,
      })
      return
    }
    state.resends++
    initiator.resend()
    this.bookExchange(state, initiator, null)
  }

  private fail(state: PeerState, failure: Failure): void {
    this.kernel.cancel(state.timer)
    state.failure = failure
    for (const watcher of state.watchers) watcher.protectionFailed(failure)
    this.parts.stack.ip.transformed.retryWaiting()
  }

  /** What comes from nobody known costs what the libraries take. */
  private book(work: CipherWork, state: PeerState | undefined): Nanos {
    return this.parts.cores.book(LANE, priceOf(work, state?.peer.costs ?? libraryCosts(ESP_CIPHER)))
  }

  private refuse(protocol: string, reason: string): void {
    const count = (this.refused.get(reason) ?? 0) + 1
    this.refused.set(reason, count)
    if ((count & (count - 1)) !== 0) return
    this.kernel.trace.add('packet-refused', { host: this.parts.stack.name, protocol, reason, count })
  }
}
