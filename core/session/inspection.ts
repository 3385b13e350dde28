/** Anything on the stage in tables of words: what the window and the operator's shell show of a cable, a switch or a host. */
import { InputError } from '../base/errors.js'
import type { HostStack } from '../net/host-stack.js'
import type { Link } from '../net/link.js'
import type { DirectionCounters } from '../net/link-direction.js'
import type { Switch } from '../net/switch/switch.js'
import { macText } from '../net/wire/addresses.js'

export interface InspectionTable {
  readonly title: string
  readonly columns: readonly string[]
  /** Cells in the order of the columns; numbers are set to the right. */
  readonly rows: readonly (readonly (string | number)[])[]
  /** What to say when there are no rows. */
  readonly whenEmpty: string
}

export interface Inspection {
  readonly name: string
  readonly kind: 'link' | 'switch' | 'host'
  readonly tables: readonly InspectionTable[]
}

/** What can be looked at, by name. */
export interface Inspected {
  readonly links: readonly Link[]
  readonly switches: readonly Switch[]
  readonly stacks: readonly HostStack[]
}

/** Links have the names of the places they lead to: `cable host-a` is the link, `host-a` the host. */
export function inspect(inspected: Inspected, kind: Inspection['kind'], name: string): Inspection {
  switch (kind) {
    case 'link':
      return { name, kind, tables: linkTables(named(inspected.links, name)) }
    case 'switch':
      return { name, kind, tables: switchTables(named(inspected.switches, name)) }
    case 'host':
      return { name, kind, tables: hostTables(named(inspected.stacks, name)) }
  }
}

function named<T extends { readonly name: string }>(things: readonly T[], name: string): T {
  const found = things.find((thing) => thing.name === name)
  if (found === undefined)
    throw new InputError(`there is no ${name}; there are: ${things.map((thing) => thing.name).join(', ')}`)
  return found
}

function linkTables(link: Link): InspectionTable[] {
  const ends = [
    [`from ${link.name}`, link.a.counters()],
    [`to ${link.name}`, link.b.counters()],
  ] as const
  const row = (title: string, count: keyof DirectionCounters): (string | number)[] => [
    title,
    ...ends.flatMap(([, counters]) => [counters[count].frames, counters[count].octets]),
  ]
  return [
    {
      title: link.isCut ? 'Frames (the cable is cut)' : 'Frames',
      columns: ['', ...ends.flatMap(([title]) => [title, 'octets'])],
      rows: [
        row('sent', 'offered'),
        row('arrived', 'delivered'),
        row('queue was full', 'dropped'),
        row('lost', 'lost'),
        row('lost to a cut', 'cut'),
        row('duplicated', 'duplicated'),
        row('held back', 'reordered'),
        row('corrupted', 'corrupted'),
      ],
      whenEmpty: '',
    },
  ]
}

function switchTables(device: Switch): InspectionTable[] {
  const drops = (dropped: Readonly<Record<string, number>>): number =>
    Object.values(dropped).reduce((sum, count) => sum + count, 0)
  return [
    {
      title: 'Address table',
      columns: ['MAC address', 'port', 'VLAN', 'type', 'age'],
      rows: device
        .macTable()
        .map(({ mac, switchPort, vlan, type, ageNs }) => [mac, switchPort, vlan, type, `${Math.floor(ageNs / 1e9)} s`]),
      whenEmpty: 'It has learned no address yet: frames to anybody go to every port.',
    },
    {
      title: 'Ports',
      columns: ['port', 'state', 'mode', 'VLAN', 'in', 'out', 'dropped'],
      rows: device
        .portTable()
        .map(({ index, status, errDisabled, operationalMode, settings, framesIn, framesOut, dropped }) => [
          index,
          errDisabled === null ? status : `${status}: ${errDisabled}`,
          operationalMode,
          operationalMode === 'trunk' ? `native ${settings.nativeVlan}` : settings.accessVlan,
          framesIn,
          framesOut,
          drops(dropped),
        ]),
      whenEmpty: 'It has no ports.',
    },
  ]
}

function hostTables(stack: HostStack): InspectionTable[] {
  const ms = (ns: number): string => (ns === 0 ? '–' : `${(ns / 1e6).toFixed(1)} ms`)
  return [
    {
      title: 'TCP connections',
      columns: ['local', 'remote', 'state', 'unread', 'unsent', 'cwnd', 'RTT', 'sent again'],
      rows: stack.tcp
        .table()
        .map(({ local, remote, state, receiveQueue, sendQueue, cwnd, srttNs, retransmissions }) => [
          local,
          remote,
          state,
          receiveQueue,
          sendQueue,
          cwnd,
          ms(srttNs),
          retransmissions,
        ]),
      whenEmpty: 'None.',
    },
    {
      title: 'Neighbours',
      columns: ['address', 'MAC address', 'state', 'interface'],
      rows: stack.neighbourRows().map(({ address, mac, state, interface: through }) => [address, mac, state, through]),
      whenEmpty: 'It has asked for nobody yet.',
    },
    {
      title: 'Routes',
      columns: ['prefix', 'next hop', 'interface', 'metric', 'origin'],
      rows: stack
        .routeRows()
        .map(({ prefix, nextHop, interface: through, metric, origin, isBest }) => [
          isBest ? prefix : `(${prefix})`,
          nextHop === '' ? 'direct' : nextHop,
          through,
          metric,
          origin,
        ]),
      whenEmpty: 'None.',
    },
    {
      title: 'Interfaces',
      columns: ['name', 'MAC address', 'MTU', 'VLAN', 'addresses'],
      rows: stack
        .interfaceRows()
        .map(({ name, mac, mtu, vlan, addresses }) => [
          name,
          macText(mac),
          mtu,
          vlan ?? '–',
          addresses.map(({ text }) => text).join(', '),
        ]),
      whenEmpty: 'None.',
    },
  ]
}
