/** Checks over the trace: met with evidence, or not yet with what is missing. */
import type { RunMetrics } from '../metrics/run-metrics.js'
import type { Trace } from '../kernel/trace.js'
import type { Check } from './lab-schema.js'

/** Where a student can look to see that a check holds. */
export interface Evidence {
  readonly text: string
  readonly atNs: number
  readonly packet: number | null
  readonly address: number | null
}

export type Outcome =
  { readonly met: true; readonly evidence: readonly Evidence[] } | { readonly met: false; readonly missing: string }

/** What checks look at: the trace, what metrics fold from it, and the answers given so far. */
export interface Facts {
  readonly trace: Trace
  readonly runs: readonly RunMetrics[]
  /** Question ids answered correctly, with the virtual time of the answer. */
  readonly answered: ReadonlyMap<string, number>
}

const channelWords: Readonly<Record<string, string>> = {
  none: 'in clear',
  nacl: 'under NaCl',
  ssh: 'through the SSH tunnel',
  esp: 'under ESP',
  'esp-tunnel': 'through an ESP tunnel',
}
const over = (channel: string): string => channelWords[channel] ?? `over ${channel}`

const met = (...evidence: Evidence[]): Outcome => ({ met: true, evidence })
const missing = (text: string): Outcome => ({ met: false, missing: text })
const seen = (text: string, atNs: number, packet: number | null = null, address: number | null = null): Evidence => ({
  text,
  atNs,
  packet,
  address,
})

export function evaluateCheck(check: Check, facts: Facts): Outcome {
  const { trace, runs } = facts
  switch (check.kind) {
    case 'vm-state': {
      const rows = trace.rows('vm-state').filter(({ vm }) => vm === check.vm)
      const row = rows.find(({ state }) => state === check.state)
      if (row !== undefined) return met(seen(`${row.vm} was ${row.state} on ${row.host}`, row.atNs))
      const last = rows.at(-1)
      return missing(
        last === undefined ? `${check.vm} has not been booted` : `${check.vm} is ${last.state}, not ${check.state}`,
      )
    }
    case 'console-line': {
      const rows = trace.rows('console-line').filter(({ vm }) => vm === check.vm)
      const row = rows.find(({ text }) => text.includes(check.contains))
      if (row !== undefined) return met(seen(`the console of ${row.vm} said "${row.text.trim()}"`, row.atNs))
      return missing(`the console of ${check.vm} has not said "${check.contains}"`)
    }
    case 'counter-unbroken':
      return counterUnbroken(check.vm, facts)
    case 'migrated': {
      const run = runs.findLast(({ channel, status }) => channel === check.channel && status === 'completed')
      if (run !== undefined && run.endNs !== null && run.downtimeMs !== null)
        return met(
          seen(
            `migration ${run.migration} ${over(run.channel)} ended on ${run.destination}; the guest stood still ${stillness(run.downtimeMs, run.ownPause)}`,
            run.endNs,
          ),
        )
      const last = runs.findLast(({ channel }) => channel === check.channel)
      if (last === undefined) return missing(`no migration ${over(check.channel)} has been started`)
      return missing(
        `migration ${last.migration} ${over(check.channel)} is ${last.status}${last.cause === '' ? '' : `: ${last.cause}`}`,
      )
    }
    case 'leaked': {
      const run = best(runs, check.channel)
      if (run === undefined) return missing(`the attacker has not yet watched a migration ${over(check.channel)}`)
      const wanted = check.secrets === 'all' ? run.secretsPlanted : check.secrets
      const found = run.findings.filter(({ planted }) => planted)
      if (run.secretsFound >= wanted && wanted > 0)
        return met(
          ...found.map(({ kind, atNs, packet, address }) =>
            seen(`${kind} read from packet ${packet}`, atNs, packet, address),
          ),
        )
      return missing(`the attacker holds ${run.secretsFound} of ${wanted} secrets from migration ${run.migration}`)
    }
    case 'nothing-leaked': {
      const run = runs.findLast(({ channel, status }) => channel === check.channel && status === 'completed')
      if (run === undefined || run.endNs === null)
        return missing(`no migration ${over(check.channel)} has been completed`)
      const watched = trace.rows('stream-seen').filter(({ atNs }) => atNs >= run.startNs)
      const stream = watched[0]
      if (stream === undefined || run.wireOctets < run.ramOctets / 100)
        return missing(`migration ${run.migration} did not pass the attacker's port, so it shows nothing`)
      if (run.secretsFound > 0 || run.ramOctetsRecovered > 0)
        return missing(
          `the attacker read ${run.secretsFound} secrets and ${run.ramOctetsRecovered} octets of migration ${run.migration}`,
        )
      return met(
        seen(
          `the attacker captured ${run.wireOctets} octets of migration ${run.migration} (it sees ${stream.protocol}) and read none of the guest's memory`,
          run.endNs,
        ),
      )
    }
    case 'command': {
      const row = trace
        .rows('command')
        .find(({ console, text }) => console === check.console && text.trim().startsWith(check.startsWith))
      if (row !== undefined) return met(seen(`"${row.text}" was typed in the ${row.console}'s shell`, row.atNs))
      return missing(`"${check.startsWith}" has not been typed in the ${check.console}'s shell`)
    }
    case 'answered': {
      const atNs = facts.answered.get(check.question)
      return atNs === undefined
        ? missing('a question of this step is not answered correctly yet')
        : met(seen('question answered', atNs))
    }
    case 'all': {
      const outcomes = check.of.map((each) => evaluateCheck(each, facts))
      const open = outcomes.find((outcome) => !outcome.met)
      return open ?? met(...outcomes.flatMap((outcome) => (outcome.met ? outcome.evidence : [])))
    }
  }
}

function stillness(downtimeMs: number, ownPause: RunMetrics['ownPause']): string {
  if (ownPause === 'before') return 'before, during and after it'
  return `for ${downtimeMs.toFixed(1)} ms${ownPause === 'after' ? ', and until it is let go on' : ''}`
}

/** The run over that channel from which most leaked. */
function best(runs: readonly RunMetrics[], channel: string): RunMetrics | undefined {
  return runs
    .filter((run) => run.channel === channel)
    .reduce<RunMetrics | undefined>(
      (most, run) => (most === undefined || run.secretsFound > most.secretsFound ? run : most),
      undefined,
    )
}

function counterUnbroken(vm: string, { trace, runs }: Facts): Outcome {
  const ticks: { count: number; atNs: number }[] = []
  for (const row of trace.rows('console-line')) {
    const match = row.vm === vm ? /\[tick (\d+)\]/.exec(row.text) : null
    if (match !== null) ticks.push({ count: Number(match[1]), atNs: row.atNs })
  }
  for (let i = 1; i < ticks.length; i++) {
    const [before, after] = [ticks[i - 1]!, ticks[i]!]
    if (after.count !== before.count + 1) return missing(`the counter went from ${before.count} to ${after.count}`)
  }
  const moved = runs.find(({ status }) => status === 'completed')
  if (moved === undefined || moved.pausedFromNs === null || moved.resumedAtNs === null)
    return missing(`${vm} has not been migrated yet`)
  const { pausedFromNs, resumedAtNs } = moved
  const before = ticks.findLast(({ atNs }) => atNs <= pausedFromNs)
  const after = ticks.find(({ atNs }) => atNs >= resumedAtNs)
  if (before === undefined || after === undefined)
    return missing('let the clock run until the counter was written once more')
  return met(
    seen(`tick ${before.count} was written before the move, tick ${after.count} after it, none missing`, after.atNs),
  )
}
