import type { StatisticsEnd } from '../../core/migration/statistics-migration.js'
import { ChannelEffects, SecureChannel, type ChannelProtocol } from '../../core/secure/channel.js'
import type { CipherCosts } from '../../core/secure/costs.js'

const RECORD_OCTETS = 16_384

/** Seals nothing and counts everything: the price of a channel, in records of 16 KiB, without its octets. */
class CostlyProtocol implements ChannelProtocol {
  readonly name = 'costly'
  readonly unreadOctetsMax = 262_144
  effects = new ChannelEffects()

  start(): void {
    this.effects.opened = true
  }
  sendableOctets(): number {
    return RECORD_OCTETS
  }
  send(payload: Uint8Array): void {
    this.effects.messages.push({ name: null, octets: payload })
    this.count(payload)
  }
  receive(octets: Uint8Array): void {
    this.effects.payload.push(octets)
    this.count(octets)
  }
  receiveEnd(): void {
    this.effects.peerEnded = true
  }
  end(): void {
    this.effects.finished = true
  }
  consumed(): void {}

  private count(octets: Uint8Array): void {
    this.effects.work.octets += octets.length
    this.effects.work.records += Math.ceil(octets.length / RECORD_OCTETS)
  }
}

/** For a migration of page statistics: an end of its connection whose octets cost so much. */
export function costly(costs: CipherCosts): (end: StatisticsEnd) => SecureChannel {
  return ({ kernel, lower, cores }) =>
    new SecureChannel(
      { kernel, lower, cores, hostName: cores.host, channelName: 'costly', costs },
      new CostlyProtocol(),
    )
}
