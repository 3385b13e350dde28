/** The stage in words, for people who do not see it: from the same view that is drawn. */
import type { SessionView } from '../engine/contract.js'
import { channelTitle, isMigrating, statusTitle, wasSealed } from '../words/terms.js'
import { attackerPositions } from '../words/network.js'
import { linkRateBps } from './traffic.js'
import { formatBitRate } from '../words/quantities.js'

export function stageSummary(view: SessionView): string {
  const { booted, hosts, migration, links, runs } = view
  const { title } = attackerPositions[view.attackerPosition]
  if (!booted) return `Two hosts, a client, a switch and an attacker (${title}). No guest is running yet.`
  const guests = hosts.flatMap(({ title, vm }) => (vm === null ? [] : [`${vm.name} is ${vm.state} on ${title}`]))
  const parts = [guests.join('; ') + '.']
  for (const { name, isCut, isImpaired } of links)
    if (isCut || isImpaired) parts.push(`The cable of ${name} is ${isCut ? 'cut' : 'disturbed'}.`)
  if (migration !== null && isMigrating(migration.status)) {
    const reach = wasSealed(migration) ? 'sealed, the attacker cannot read it' : 'readable by the attacker'
    const load = Math.max(0, ...links.map(linkRateBps))
    parts.push(
      `Migration over ${channelTitle(migration.channel)} is ${statusTitle(migration.status)}, round ${migration.round}, ` +
        `${Math.round(migration.roundProgress * 100)} % sent, at ${formatBitRate(load)}; it is ${reach}.`,
    )
  }
  const last = runs.at(-1)
  if (last !== undefined && last.secretsFound > 0)
    parts.push(`The attacker holds ${last.secretsFound} of ${last.secretsPlanted} secrets of run ${last.migration}.`)
  return parts.join(' ')
}
