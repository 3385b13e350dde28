/** Plays the script of a network, item after item, each as soon as the one before has ended. */
import { InputError } from '../../base/errors.js'
import type { Nanos } from '../../base/units.js'
import type { KernelEvent, Process } from '../../kernel/kernel.js'
import type { Network } from '../network-builder.js'
import type { ScriptItem } from '../network-plan/script-plan.js'
import { configure, cutOrRestore, show } from './change-action.js'
import { AnnounceAction, DtpAction, ForgeRipAction } from './claim-action.js'
import { Eavesdropper } from './eavesdropper.js'
import { problemsOf } from './expectations.js'
import { FloodAction } from './flood-action.js'
import { PingAction, TracerouteAction } from './ping-action.js'
import type { EntryDetails, ScriptEntry } from './script-entry.js'
import { SendAction } from './send-action.js'
import { TransferAction } from './transfer-action.js'

/** What an action tells when it is over, once. */
export interface ActionOwner {
  ended(outcome: string, details: EntryDetails): void
  /** Frames that the item's listener has heard until now; null when there is none. */
  overheard(): number | null
}

const NEXT: KernelEvent = Object.freeze({ kind: 'script-next' })

export class ScriptPlayer implements Process {
  /** In the order in which they ended. */
  readonly entries: ScriptEntry[] = []
  private next = 0
  private running = 0

  /** Begins with the kernel's next event. */
  constructor(
    readonly network: Network,
    private readonly script: readonly ScriptItem[],
  ) {
    network.kernel.schedule(0, this, NEXT)
  }

  /** Every item has ended. */
  get isFinished(): boolean {
    return this.next === this.script.length && this.running === 0
  }

  /** Every item has ended as it should. */
  get isAsExpected(): boolean {
    return this.isFinished && this.entries.every(({ problems }) => problems.length === 0)
  }

  handleEvent(): void {
    const item = this.script[this.next]
    if (item === undefined) return
    const { kernel } = this.network
    if (item.at !== undefined && item.at > kernel.nowNs) {
      kernel.scheduleAt(item.at, this, NEXT)
      return
    }
    const index = this.next++
    this.running++
    if (item.meanwhile) kernel.schedule(0, this, NEXT)
    new RunningItem(this, index, item).begin()
  }

  itemEnded(item: ScriptItem, entry: ScriptEntry): void {
    this.entries.push(entry)
    this.running--
    if (!item.meanwhile) this.network.kernel.schedule(0, this, NEXT)
  }
}

class RunningItem implements ActionOwner, Process {
  private readonly startNs: Nanos
  private readonly listener: Eavesdropper | null

  constructor(
    private readonly player: ScriptPlayer,
    private readonly index: number,
    private readonly item: ScriptItem,
  ) {
    const { network } = player
    this.startNs = network.kernel.nowNs
    const { listener } = 'listener' in item ? item : { listener: undefined }
    this.listener = listener === undefined ? null : new Eavesdropper(network.host(listener))
  }

  /** What cannot even begin has ended. */
  begin(): void {
    try {
      this.act()
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      const isChange = ['cut', 'restore', 'configure'].includes(this.item.do)
      this.ended(isChange ? 'refused' : 'error', { kind: 'text', text: error.message })
    }
  }

  /** The end of a `wait`. */
  handleEvent(): void {
    this.ended('done', { kind: 'text', text: '' })
  }

  overheard(): number | null {
    return this.listener?.frames ?? null
  }

  ended(outcome: string, details: EntryDetails): void {
    const { player, index, item, startNs } = this
    this.listener?.stop()
    player.itemEnded(item, {
      ...{ index, do: item.do, note: item.note ?? '', startNs, endNs: player.network.kernel.nowNs, outcome },
      problems: problemsOf(item, outcome, details),
      details,
    })
  }

  private act(): void {
    const { item } = this
    const { network } = this.player
    switch (item.do) {
      case 'ping':
        new PingAction(network, this, item)
        break
      case 'traceroute':
        new TracerouteAction(network, this, item)
        break
      case 'transfer':
        new TransferAction(network, this, item)
        break
      case 'send':
        new SendAction(network, this, item)
        break
      case 'cut':
      case 'restore':
        this.ended('done', { kind: 'text', text: cutOrRestore(network, item) })
        break
      case 'configure':
        this.ended('done', { kind: 'text', text: configure(network, item) })
        break
      case 'wait':
        network.kernel.schedule(item.time, this, NEXT)
        break
      case 'announce':
        new AnnounceAction(network, this, item)
        break
      case 'forge-rip':
        new ForgeRipAction(network, this, item)
        break
      case 'dtp':
        new DtpAction(network, this, item)
        break
      case 'flood-mac':
      case 'flood-syn':
        new FloodAction(network, this, item)
        break
      case 'show':
        this.ended('shown', show(network, item))
    }
  }
}
