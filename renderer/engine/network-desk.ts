/** Plays the scripts of the example networks for the window. */
import { InputError, LabError } from '../../core/base/errors.js'
import { parseNetworkPlan, type NetworkPlan } from '../../core/session/network-plan.js'
import { NetworkRun } from '../../core/session/network-run.js'
import { detailLines, titleOf } from '../../core/session/network-words.js'
import type { Answer, NetworkAnswer, NetworkSummary } from './contract.js'

/** Wall time a turn may take, and virtual time between two looks at the clock. */
const TURN_MS = 12
const STRIDE_NS = 50e6

export interface NetworkDeskHost {
  /** Plans as plain values, by name. */
  readonly networks: Readonly<Record<string, unknown>>
  answer(answer: Answer): void
  wallMs(): number
  later(turn: () => void, delayMs: number): void
}

export class NetworkDesk {
  private readonly plans: ReadonlyMap<string, NetworkPlan>
  /** The one that is being played, or was played last. */
  private current: NetworkRun | null = null

  constructor(private readonly host: NetworkDeskHost) {
    this.plans = new Map(Object.entries(host.networks).map(([id, values]) => [id, parseNetworkPlan(values)]))
  }

  list(): NetworkSummary[] {
    return [...this.plans].map(([id, { title, about }]) => ({ id, title, about }))
  }

  /** `isDone` gets the run when its script is over. Throws `InputError` when there is no such network. */
  open(id: string, isDone: (run: NetworkRun) => void): void {
    const plan = this.plans.get(id)
    if (plan === undefined) throw new InputError(`there is no network "${id}" in this version`)
    const run = this.runOf(plan)
    this.current = run
    const turn = (): void => {
      if (this.current !== run) return
      const stopMs = this.host.wallMs() + TURN_MS
      while (this.host.wallMs() < stopMs)
        if (run.run(STRIDE_NS)) {
          isDone(run)
          this.host.answer(answerOf(id, run))
          return
        }
      const done = run.player.entries.length / Math.max(1, plan.script.length)
      this.host.answer({ kind: 'progress', what: `Playing "${plan.title}"`, fraction: Math.min(0.99, done) })
      this.host.later(turn, 0)
    }
    turn()
  }

  close(): void {
    this.current = null
  }

  private runOf(plan: NetworkPlan): NetworkRun {
    try {
      return new NetworkRun(plan)
    } catch (error) {
      if (error instanceof LabError) throw new InputError(`${plan.title}: ${error.message}`)
      throw error
    }
  }
}

function answerOf(id: string, run: NetworkRun): NetworkAnswer {
  const { plan } = run
  const { entries, endNs, traceHash, taps } = run.result()
  const named = <K extends 'host' | 'router' | 'switch'>(kind: K, devices: object) =>
    Object.keys(devices).map((name) => ({ name, kind }))
  return {
    kind: 'network',
    id,
    title: plan.title,
    about: plan.about,
    devices: [...named('host', plan.hosts), ...named('router', plan.routers), ...named('switch', plan.switches)],
    links: plan.links.map(({ name, from, to }) => ({ name, from: from.device, to: to.device })),
    entries: entries.map((entry) => {
      const item = plan.script[entry.index]
      const { note, startNs, outcome, problems } = entry
      return {
        title: item === undefined ? '' : titleOf(item),
        note,
        startNs,
        outcome,
        problems,
        lines: detailLines(entry),
      }
    }),
    taps: taps.map(({ name }) => name),
    endNs,
    traceHash,
  }
}
