/** What is done to the network itself, in no time. Throws `InputError` for what cannot be done. */
import { InputError } from '../../base/errors.js'
import { inspect, type Inspection, type InspectionTable } from '../inspection.js'
import type { RipRouter } from '../../net/rip/rip-router.js'
import type { Network } from '../network-builder.js'
import type { ItemOf } from '../network-plan/script-plan.js'
import type { TableDetails } from './script-entry.js'

export function cutOrRestore(network: Network, item: ItemOf<'cut'> | ItemOf<'restore'>): string {
  const link = network.link(item.link)
  const isCut = item.do === 'cut'
  if (link.isCut === isCut) throw new InputError(`the cable ${link.name} is ${isCut ? 'cut already' : 'whole'}`)
  if (isCut) link.cut()
  else link.restore()
  network.kernel.trace.add('link-state', { link: link.name, state: isCut ? 'cut' : 'restored' })
  return `the cable ${link.name} is ${isCut ? 'cut' : 'whole again'}`
}

export function configure(network: Network, item: ItemOf<'configure'>): string {
  const { link, conditions, direction, switch: device, port, options, arpInspection, router, filters } = item
  if (link !== undefined && conditions !== undefined) {
    const name = direction === 'forward' ? 'a-to-b' : 'b-to-a'
    network.link(link).configure(conditions, direction === undefined ? undefined : name)
    for (const [condition, value] of Object.entries(conditions))
      if (typeof value === 'number') network.kernel.trace.add('link-condition', { link, condition, value })
    return `the cable ${link} has other conditions`
  }
  if (device !== undefined && port !== undefined && options !== undefined) {
    network.port(device, port).configure(options)
    return `port ${port} of ${device} is configured`
  }
  if (device !== undefined && arpInspection !== undefined) {
    network.inspectArp(device, arpInspection)
    return arpInspection === null
      ? `${device} believes every ARP message`
      : `${device} inspects ARP in VLAN ${arpInspection.vlans}`
  }
  const rip = network.rip.get(router ?? '')
  if (rip === undefined || filters === undefined) throw new InputError('nothing to configure')
  rip.filters = filters
  return filters === null ? `${router} believes every announcement` : `${router} filters announcements by their origin`
}

/** The tables of a host, a switch or a link; of a router with RIP also what it was told. */
export function show(network: Network, { host, switch: device, link, tables }: ItemOf<'show'>): TableDetails {
  const [kind, name]: [Inspection['kind'], string] =
    host !== undefined ? ['host', host] : device !== undefined ? ['switch', device] : ['link', link ?? '']
  const rip = network.rip.get(name)
  const all = [...inspect(network, kind, name).tables, ...(rip === undefined ? [] : [ripTable(rip)])]
  const wanted = tables ?? all.map(({ title }) => title)
  for (const title of wanted)
    if (!all.some((table) => table.title === title))
      throw new InputError(`${name} has no table ${title}; it has: ${all.map((table) => table.title).join(', ')}`)
  const found = all.filter(({ title }) => wanted.includes(title))
  return {
    kind: 'tables',
    of: name,
    tables: kind === 'switch' ? found.map((table) => named(network, name, table)) : found,
  }
}

/** With ports by the names that plans give them. */
function named(network: Network, device: string, table: InspectionTable): InspectionTable {
  const port = table.columns.indexOf('port')
  if (port < 0) return table
  return { ...table, rows: table.rows.map((row) => row.with(port, network.cableAt(device, Number(row[port])))) }
}

function ripTable(router: RipRouter): InspectionTable {
  return {
    title: 'RIP',
    columns: ['prefix', 'neighbour', 'next hop', 'interface', 'metric'],
    rows: router
      .routes()
      .map(({ prefix, neighbour, nextHop, interface: through, metric }) => [
        prefix,
        neighbour === '' ? 'own' : neighbour,
        nextHop === '' ? 'direct' : nextHop,
        through,
        metric,
      ]),
    whenEmpty: 'It reaches nothing yet.',
  }
}
