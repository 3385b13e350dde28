/**
 * What an operator does to the network: words of iproute2 and tc, `-n` naming the host as a network namespace would be
 * named.
 */
import { InputError } from '../base/errors.js'
import { textTable } from '../base/text-table.js'
import { parseDuration, parseFraction, parseOctets } from '../base/units.js'
import type { Inspection, InspectionTable } from './inspection.js'
import type { LinkConditions } from './link-conditions.js'
import { linkNames, type LinkName } from './scenario.js'

export interface NetworkDesk {
  configureLink(link: LinkName, conditions: Partial<LinkConditions>): void
  linkConditions(link: LinkName): LinkConditions
  cutLink(link: LinkName): void
  restoreLink(link: LinkName): void
  inspect(kind: Inspection['kind'], name: string): Inspection
}

export const NETWORK_WORDS: readonly string[] = ['tc', 'ip', 'ss', 'bridge']

const NETEM = 'tc qdisc change dev LINK netem [delay 5ms [1ms]] [loss 1%] [duplicate 1%] [reorder 5%] [corrupt 0.1%]'

/** Does the command and says what is to be printed. Throws `InputError`. */
export function networkCommand(desk: NetworkDesk, [command, ...words]: readonly string[]): string {
  switch (command) {
    case 'tc':
      return traffic(desk, words)
    case 'ip':
      return ip(desk, words)
    case 'ss':
      return tables(desk.inspect('host', option(words, '-N')), ['TCP connections'])
    case 'bridge':
      if (words[0] !== 'fdb') throw new InputError('bridge what? "bridge fdb", or "bridge fdb show br host-a-bridge"')
      return tables(
        desk.inspect('switch', words.at(-1) === 'fdb' || words.length < 3 ? 's1' : (words.at(-1) ?? '')),
        null,
      )
    default:
      throw new InputError(`${command ?? ''}: no such command. Type help.`)
  }
}

function traffic(desk: NetworkDesk, words: readonly string[]): string {
  const device = words.indexOf('dev')
  const link = linkOf(device < 0 ? undefined : words[device + 1])
  const [kind, action] = words
  if (kind !== 'qdisc') throw new InputError(`tc what? ${NETEM}`)
  if (action === 'show') return described(link, desk.linkConditions(link))
  const netem = words.indexOf('netem')
  if (action === 'del') desk.configureLink(link, { jitterNs: 0, loss: 0, duplication: 0, reordering: 0, corruption: 0 })
  else if (netem < 0) throw new InputError(NETEM)
  else desk.configureLink(link, conditionsOf(words.slice(netem + 1)))
  return described(link, desk.linkConditions(link))
}

function conditionsOf(words: readonly string[]): Partial<LinkConditions> {
  const found: { -readonly [K in keyof LinkConditions]?: number } = {}
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    const value = words[at + 1]
    if (value === undefined) throw new InputError(`${word} what? ${NETEM}`)
    at++
    switch (word) {
      case 'delay': {
        found.delayNs = parseDuration(value)
        const jitter = words[at + 1]
        if (jitter === undefined || !/^\d/.test(jitter)) break
        found.jitterNs = parseDuration(jitter)
        at++
        break
      }
      case 'loss':
        found.loss = parseFraction(value)
        break
      case 'duplicate':
        found.duplication = parseFraction(value)
        break
      case 'reorder':
        found.reordering = parseFraction(value)
        break
      case 'corrupt':
        found.corruption = parseFraction(value)
        break
      case 'limit':
        found.queueOctets = parseOctets(value)
        break
      default:
        throw new InputError(`netem has no "${word}" here: ${NETEM}`)
    }
  }
  return found
}

function described(link: LinkName, conditions: LinkConditions): string {
  const percent = (value: number): string => `${Number((value * 100).toFixed(4))}%`
  const ms = (ns: number): string => `${ns / 1e6}ms`
  return (
    `qdisc netem dev ${link} limit ${conditions.queueOctets} delay ${ms(conditions.delayNs)} ${ms(conditions.jitterNs)} ` +
    `loss ${percent(conditions.loss)} duplicate ${percent(conditions.duplication)} ` +
    `reorder ${percent(conditions.reordering)} corrupt ${percent(conditions.corruption)}\n`
  )
}

function ip(desk: NetworkDesk, words: readonly string[]): string {
  if (words[0] === 'link') {
    const [, action, ...rest] = words
    if (action === 'show') return tables(desk.inspect('link', linkOf(rest.at(-1))), null)
    const name = linkOf(rest[0] === 'dev' ? rest[1] : rest[0])
    const state = rest.at(-1)
    if (action !== 'set' || (state !== 'up' && state !== 'down')) throw new InputError('ip link set LINK up|down')
    if (state === 'down') desk.cutLink(name)
    else desk.restoreLink(name)
    return ''
  }
  const rest = words[0] === '-n' ? words.slice(2) : words
  const title = ipTables[rest[0] ?? '']
  if (title === undefined) throw new InputError('ip what? "ip -n HOST addr|route|neigh", or "ip link set LINK up|down"')
  return tables(desk.inspect('host', option(words, '-n')), [title])
}

const ipTables: Readonly<Record<string, string>> = {
  addr: 'Interfaces',
  route: 'Routes',
  neigh: 'Neighbours',
  neighbour: 'Neighbours',
}

function linkOf(name: string | undefined): LinkName {
  const found = linkNames.find((link) => link === name)
  if (found === undefined) throw new InputError(`name a cable: ${linkNames.join(', ')}`)
  return found
}

function option(words: readonly string[], name: string): string {
  const at = words.indexOf(name)
  return (at < 0 ? undefined : words[at + 1]) ?? 'host-a'
}

function tables(inspection: Inspection, titles: readonly string[] | null): string {
  return inspection.tables
    .filter(({ title }) => titles === null || titles.includes(title))
    .map(tableText)
    .join('\n')
}

function tableText({ columns, rows, whenEmpty }: InspectionTable): string {
  const lines = rows.length === 0 ? [whenEmpty] : textTable(columns, rows)
  return lines.map((line) => `${line}\n`).join('')
}
