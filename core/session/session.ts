/** The only door into the engine: a scenario and a seed, commands in, virtual time forward, and the log to do it again. */
import { InputError } from '../base/errors.js'
import { copyGraph, keepGraph, type KeptGraph } from '../base/snapshot.js'
import type { Nanos } from '../base/units.js'
import type { Trace } from '../kernel/trace.js'
import type { GuestOptions } from './guest-options.js'
import type { GuestWorkload } from './guest-settings.js'
import type { LinkConditions } from './link-conditions.js'
import type { SwitchDefences } from './rack.js'
import type { AttackerPosition } from '../attack/catalogue/attack-definition.js'
import type { HostDefences, LinkName, MigrationScenario, Scenario } from './scenario.js'
import { World, type ConsoleName } from './world.js'

export type SessionCommand =
  | { readonly kind: 'boot' }
  | { readonly kind: 'migrate'; readonly destination?: string }
  | { readonly kind: 'cancel-migration' }
  /** Stop the guest for the last round now, whatever is left to send. */
  | { readonly kind: 'switch-over' }
  /** Go on after a pause before switch-over. */
  | { readonly kind: 'continue-migration' }
  | { readonly kind: 'start-postcopy' }
  /** Break a post-copy off, to be recovered. */
  | { readonly kind: 'pause-migration' }
  /** Go on with an interrupted post-copy, over another connection. */
  | { readonly kind: 'recover-migration' }
  /** Do without what is left at the source of an interrupted post-copy: the guest is lost. */
  | { readonly kind: 'abandon-postcopy' }
  | { readonly kind: 'configure-migration'; readonly settings: Partial<MigrationScenario> }
  | { readonly kind: 'configure-network'; readonly bandwidthBps: number }
  | { readonly kind: 'configure-link'; readonly link: LinkName; readonly conditions: Partial<LinkConditions> }
  | { readonly kind: 'cut-link'; readonly link: LinkName }
  | { readonly kind: 'restore-link'; readonly link: LinkName }
  | { readonly kind: 'configure-switch'; readonly defences: Partial<SwitchDefences> }
  | { readonly kind: 'place-attacker'; readonly position: AttackerPosition }
  /** Hosts have their neighbours' MAC addresses by hand, or by ARP. */
  | { readonly kind: 'set-static-arp'; readonly isOn: boolean }
  | { readonly kind: 'configure-hosts'; readonly defences: Partial<HostDefences> }
  | { readonly kind: 'configure-workload'; readonly workload: GuestWorkload }
  | { readonly kind: 'configure-guest'; readonly options: Partial<GuestOptions> }
  | { readonly kind: 'type'; readonly console: ConsoleName; readonly text: string }
  /** The notebook: what a student answered, and asked. The engine keeps it with the rest so that it is replayed too. */
  | { readonly kind: 'answer'; readonly question: string; readonly answer: string }
  | { readonly kind: 'hint'; readonly step: string }

export interface LoggedCommand {
  readonly atNs: Nanos
  readonly command: SessionCommand
}

export interface SessionParts {
  readonly scenario: Scenario
  readonly seed: string
  /** The guest's image: an ELF file. */
  readonly image: Uint8Array
}

export class Session {
  readonly world: World
  readonly log: LoggedCommand[] = []
  readonly answers: { readonly question: string; readonly answer: string; readonly atNs: Nanos }[] = []
  /** Ids of steps, once for every hint asked for. */
  readonly hints: string[] = []

  constructor(readonly parts: SessionParts) {
    this.world = new World(parts.scenario, parts.seed, parts.image)
  }

  get nowNs(): Nanos {
    return this.world.kernel.nowNs
  }

  get trace(): Trace {
    return this.world.kernel.trace
  }

  get planted(): World['planted'] {
    return this.world.planted
  }

  /** Do something now. Throws `InputError`, having changed nothing, when it cannot be done. */
  do(command: SessionCommand): void {
    this.carryOut(command)
    this.log.push({ atNs: this.nowNs, command })
  }

  runUntil(untilNs: Nanos): void {
    this.world.kernel.runUntil(untilNs)
  }

  runFor(spanNs: Nanos): void {
    this.runUntil(this.nowNs + spanNs)
  }

  /** Run events until `isDone`, but no longer than `spanNs`. False when time ran out. */
  runWhile(isGoingOn: (session: Session) => boolean, spanNs: Nanos): boolean {
    const untilNs = this.nowNs + spanNs
    const { kernel } = this.world
    while (isGoingOn(this)) {
      const nextNs = kernel.nextEventNs()
      if (nextNs === undefined || nextNs > untilNs) {
        kernel.runUntil(untilNs)
        return false
      }
      kernel.step()
    }
    return true
  }

  get isMigrating(): boolean {
    return this.world.crossingUnderWay !== null
  }

  /** Another session that goes on from this instant, independent of this one. */
  fork(): Session {
    return copyGraph(this)
  }

  /** This instant, to come back to. Guest memory that has not changed since the last one kept is shared with it. */
  keep(): KeptGraph<Session> {
    return keepGraph<Session>(this)
  }

  /** Run a log again. `untilNs` may be later than its last command. */
  static replay(parts: SessionParts, log: readonly LoggedCommand[], untilNs: Nanos): Session {
    const session = new Session(parts)
    for (const { atNs, command } of log) {
      if (!(atNs >= session.nowNs)) throw new InputError('the log of commands is not in the order of time')
      session.runUntil(atNs)
      session.do(command)
    }
    session.runUntil(Math.max(untilNs, session.nowNs))
    return session
  }

  private carryOut(command: SessionCommand): void {
    const { world } = this
    switch (command.kind) {
      case 'boot':
        return world.boot()
      case 'migrate':
        return world.guestDesk.migrate(command.destination)
      case 'cancel-migration':
        return world.guestDesk.cancelMigration()
      case 'switch-over':
        return world.guestDesk.switchOverNow()
      case 'continue-migration':
        return world.guestDesk.continueMigration()
      case 'start-postcopy':
        return world.guestDesk.startPostcopy()
      case 'pause-migration':
        return world.guestDesk.pauseMigration()
      case 'recover-migration':
        return world.guestDesk.recoverMigration()
      case 'abandon-postcopy':
        return world.guestDesk.abandonPostcopy()
      case 'configure-migration':
        return world.guestDesk.configureMigration(command.settings)
      case 'configure-network':
        return world.network.configureBandwidth(command.bandwidthBps)
      case 'configure-link':
        return world.network.configureLink(command.link, command.conditions)
      case 'cut-link':
        return world.network.cutLink(command.link)
      case 'restore-link':
        return world.network.restoreLink(command.link)
      case 'configure-switch':
        return world.network.configureSwitch(command.defences)
      case 'place-attacker':
        return world.placeAttacker(command.position)
      case 'set-static-arp':
        return world.network.setStaticArp(command.isOn)
      case 'configure-hosts':
        return world.configureHosts(command.defences)
      case 'configure-workload':
        return world.guest.changeWorkload(command.workload, world.liveVm())
      case 'configure-guest':
        return world.guest.changeOptions(command.options, world.liveVm())
      case 'type':
        return world.type(command.console, command.text)
      case 'answer':
        this.answers.push({ question: command.question, answer: command.answer, atNs: this.nowNs })
        return
      case 'hint':
        this.hints.push(command.step)
    }
  }
}
