import { Ping, type PingListener, type PingResult } from '../../net/ping.js'
import { Traceroute, type TracerouteListener, type TracerouteProbe } from '../../net/traceroute.js'
import { ipText, type IpAddress } from '../../net/wire/addresses.js'
import type { Network } from '../network-builder.js'
import { given } from '../network-plan/plan-values.js'
import type { ItemOf } from '../network-plan/script-plan.js'
import type { PingAnswer, TracerouteAnswer } from './script-entry.js'
import type { ActionOwner } from './script-player.js'
import { addressOf, nameOf } from './script-target.js'

/** `ping`, as a person at the host would do it. */
export class PingAction implements PingListener {
  private readonly answers: PingAnswer[] = []
  private readonly address: IpAddress
  private readonly ping: Ping

  /** Begins at once. Throws `InputError`. */
  constructor(
    network: Network,
    private readonly owner: ActionOwner,
    private readonly item: ItemOf<'ping'>,
  ) {
    const { from, to, family, count, interval: intervalNs, timeout: timeoutNs, octets: payloadOctets, ttl } = item
    const host = network.host(from)
    this.address = addressOf(network, to, host, family)
    const options = { destination: this.address, count, intervalNs, timeoutNs, payloadOctets, ...given({ ttl }) }
    this.ping = new Ping(network.kernel, host, this, options)
  }

  pingResult(result: PingResult): void {
    const { outcome, sequence } = result
    if (outcome === 'answered') {
      const { source, ttl } = result.reply
      this.answers.push({ outcome, sequence, from: ipText(source), ttl, rttNs: result.rttNs })
    } else if (outcome === 'lost') this.answers.push({ outcome, sequence })
    else this.answers.push({ outcome, sequence, from: ipText(result.from), cause: result.kind })
  }

  pingFinished(): void {
    const { answers, address, ping, owner, item } = this
    const { sent, answered } = ping
    const failed = answers.some(({ outcome }) => outcome === 'failed')
    const outcome = answered === sent ? 'answered' : answered > 0 ? 'partly' : failed ? 'unreachable' : 'lost'
    const { from, to, octets } = item
    const overheard = owner.overheard()
    owner.ended(outcome, {
      kind: 'ping',
      ...{ from, to, address: ipText(address), octets, answers, sent, answered, overheard },
    })
  }
}

export class TracerouteAction implements TracerouteListener {
  private readonly probes: TracerouteAnswer[] = []
  private readonly address: IpAddress

  /** Begins at once. Throws `InputError`. */
  constructor(
    private readonly network: Network,
    private readonly owner: ActionOwner,
    private readonly item: ItemOf<'traceroute'>,
  ) {
    const host = network.host(item.from)
    this.address = addressOf(network, item.to, host, item.family)
    const { hopsMax, probes: probesPerHop, timeout: timeoutNs } = item
    new Traceroute(network.kernel, host, this, { destination: this.address, hopsMax, probesPerHop, timeoutNs })
  }

  probeEnded({ hop, from, rttNs, kind: cause }: TracerouteProbe): void {
    const [text, name] = from === null ? ['', ''] : [ipText(from), nameOf(this.network, from)]
    this.probes.push({ hop, from: text, name, rttNs, cause })
  }

  tracerouteFinished(isReached: boolean): void {
    const { probes, item, address } = this
    const through: string[] = []
    for (const { hop, name } of probes)
      if (through[hop - 1] === undefined || through[hop - 1] === '*') through[hop - 1] = name === '' ? '*' : name
    const isBlocked = probes.some(({ cause }) => !['time-exceeded', 'port-unreachable', 'no-answer'].includes(cause))
    const { from, to, hopsMax } = item
    this.owner.ended(isReached ? 'reached' : isBlocked ? 'blocked' : 'lost', {
      kind: 'traceroute',
      ...{ from, to, address: ipText(address), hopsMax, probes, through },
    })
  }
}
