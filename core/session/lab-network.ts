/** What is done to the network of a session, and what is seen of it. Everything throws `InputError` when it cannot be done. */
import { InputError } from '../base/errors.js'
import type { Trace } from '../kernel/trace.js'
import type { Link } from '../net/link.js'
import { inspect, type Inspection } from './inspection.js'
import { checkLinkConditions, directionOptions, type LinkConditions } from './link-conditions.js'
import type { NetworkDesk } from './network-commands.js'
import { RACK_SWITCH, type Rack, type SwitchDefences } from './rack.js'
import { bandwidthProblem, checkLinkName, refuseProblem, type LinkName } from './scenario.js'

export class LabNetwork implements NetworkDesk {
  constructor(
    private readonly rack: Rack,
    private readonly trace: Trace,
    /** Of each cable, bits a second. */
    public bandwidthBps: number,
  ) {}

  configureBandwidth(bandwidthBps: number): void {
    refuseProblem(bandwidthProblem(bandwidthBps))
    this.bandwidthBps = bandwidthBps
    this.rack.setRate(bandwidthBps)
  }

  /** Changes what is named; frames under way keep their times. */
  configureLink(name: LinkName, conditions: Partial<LinkConditions>): void {
    const link = this.named(name)
    checkLinkConditions(conditions)
    link.configure(directionOptions(conditions))
    for (const [condition, value] of Object.entries(conditions))
      this.trace.add('link-condition', { link: name, condition, value })
  }

  linkConditions(name: LinkName): LinkConditions {
    const settings = this.rack.link(name).settings('a-to-b')
    const { delayNs, jitterNs, loss, duplication, reordering, corruption, queueOctetsMax: queueOctets } = settings
    const rate = typeof loss === 'number' ? loss : 0
    return { delayNs, jitterNs, loss: rate, duplication, reordering, corruption, queueOctets }
  }

  /** What is under way on a cable that is cut is lost. */
  cutLink(name: LinkName): void {
    const link = this.named(name)
    if (link.isCut) throw new InputError(`the cable of ${name} is cut already`)
    link.cut()
    this.trace.add('link-state', { link: name, state: 'cut' })
  }

  restoreLink(name: LinkName): void {
    const link = this.named(name)
    if (!link.isCut) throw new InputError(`the cable of ${name} is whole`)
    link.restore()
    this.trace.add('link-state', { link: name, state: 'restored' })
  }

  configureSwitch(changes: Partial<SwitchDefences>): void {
    this.rack.setDefences({ ...this.rack.defences, ...changes })
    for (const [defence, isOn] of Object.entries(changes))
      this.trace.add('switch-defence', { device: RACK_SWITCH, defence, isOn: isOn ? 1 : 0 })
  }

  setStaticArp(isOn: boolean): void {
    this.rack.setStaticArp(isOn)
    for (const { name } of [this.rack.hostA.stack, this.rack.hostB.stack])
      this.trace.add('host-defence', { host: name, defence: 'static-arp', isOn: isOn ? 1 : 0 })
  }

  inspect(kind: Inspection['kind'], name: string): Inspection {
    return inspect(this.rack, kind, name)
  }

  private named(name: LinkName): Link {
    checkLinkName(name)
    return this.rack.link(name)
  }
}
