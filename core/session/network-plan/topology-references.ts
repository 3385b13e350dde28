/** Whether a plan's devices, cables, ports and taps fit together. */
import { LabError } from '../../base/errors.js'
import { ipText, macText } from '../../net/wire/addresses.js'
import type { NetworkPlan } from '../network-plan.js'
import type { HostPlan } from './device-plan.js'
import { allHosts, checkLinkName, checkPort, unknown } from './plan-names.js'

const DEVICES_MAX = 256

/** Throws `LabError`. */
export function checkTopology(plan: NetworkPlan): void {
  checkDevices(plan)
  checkLinks(plan)
  checkLoops(plan)
  checkSwitches(plan)
  checkTaps(plan)
}

function checkDevices(plan: NetworkPlan): void {
  const { hosts, routers, switches } = plan
  const names = new Set<string>()
  for (const [kind, devices] of Object.entries({ hosts, routers, switches }))
    for (const name of Object.keys(devices)) {
      if (names.has(name)) throw new LabError(`${kind}.${name}`, `there is something else called ${name}`)
      names.add(name)
    }
  if (names.size === 0) throw new LabError('hosts', 'there is nothing in this network')
  if (names.size > DEVICES_MAX) throw new LabError('hosts', `at most ${DEVICES_MAX} hosts, routers and switches`)
  const owners = new Map<string, string>()
  for (const [kind, devices] of Object.entries({ hosts, routers }))
    for (const [name, { interfaces }] of Object.entries(devices) as [string, HostPlan][])
      for (const { address, mac, vlans } of interfaces) {
        const addresses = [...address, ...vlans.flatMap((vlan) => vlan.address)].map((one) => ipText(one.address))
        const own = [...addresses, ...(mac === undefined ? [] : [macText(mac)])]
        for (const text of own) {
          const owner = owners.get(text)
          if (owner !== undefined) throw new LabError(`${kind}.${name}`, `${text} is an address of ${owner} already`)
          owners.set(text, name)
        }
      }
}

function checkLinks(plan: NetworkPlan): void {
  const hosts = allHosts(plan)
  const used = new Map<string, string>()
  const names = new Set<string>()
  plan.links.forEach(({ name, from, to }, index) => {
    const path = `links[${index}]`
    if (names.has(name)) throw new LabError(`${path}.name`, `two links are called ${name}: give one another name`)
    names.add(name)
    for (const [side, { device, through }] of Object.entries({ from, to })) {
      const host = hosts.get(device)
      if (host === undefined) {
        if (!Object.hasOwn(plan.switches, device)) throw new LabError(`${path}.${side}`, unknown(plan, device))
        if (through !== null)
          throw new LabError(`${path}.${side}`, `${device} is a switch: its ports have the names of their cables`)
        continue
      }
      const eth = through ?? 'eth0'
      if (!host.interfaces.some((one) => one.name === eth))
        throw new LabError(`${path}.${side}`, `${device} has no ${eth}`)
      const known = used.get(`${device}/${eth}`)
      if (known !== undefined)
        throw new LabError(`${path}.${side}`, `${eth} of ${device} has a cable already: ${known}`)
      used.set(`${device}/${eth}`, name)
    }
    if (from.device === to.device) throw new LabError(path, `a cable from ${from.device} to itself`)
  })
}

/** Frames to everybody would go round and round, and multiply: there is no spanning tree. */
function checkLoops(plan: NetworkPlan): void {
  /** A switch by which each is reached; whole groups have the same last one. */
  const reached = new Map<string, string>()
  const lastOf = (name: string): string => {
    const next = reached.get(name)
    return next === undefined ? name : lastOf(next)
  }
  plan.links.forEach(({ name, from, to }, index) => {
    if (![from, to].every(({ device }) => Object.hasOwn(plan.switches, device))) return
    const [a, b] = [lastOf(from.device), lastOf(to.device)]
    if (a === b)
      throw new LabError(
        `links[${index}]`,
        `${name} closes a loop of switches, in which frames would go round for ever: leave one cable out`,
      )
    reached.set(a, b)
  })
}

function checkSwitches(plan: NetworkPlan): void {
  for (const [name, { ports, mirrors }] of Object.entries(plan.switches)) {
    const path = `switches.${name}`
    for (const port of Object.keys(ports)) checkPort(plan, name, port, `${path}.ports.${port}`)
    mirrors.forEach((mirror, index) => {
      for (const port of [...mirror.ports, mirror.to]) checkPort(plan, name, port, `${path}.mirrors[${index}]`)
      if (mirror.ports.length === 0 && mirror.vlans === undefined)
        throw new LabError(`${path}.mirrors[${index}]`, 'name ports or vlans to copy')
    })
  }
}

function checkTaps(plan: NetworkPlan): void {
  const names = new Set<string>()
  plan.taps.forEach((tap, index) => {
    const path = `taps[${index}]`
    if (names.has(tap.name)) throw new LabError(`${path}.name`, `two taps are called ${tap.name}`)
    names.add(tap.name)
    if (tap.link !== undefined) checkLinkName(plan, tap.link, `${path}.link`)
    else if (tap.host !== undefined) {
      const host = allHosts(plan).get(tap.host)
      if (host === undefined) throw new LabError(`${path}.host`, unknown(plan, tap.host))
      const { host: device, interface: eth } = tap
      const isCabled = plan.links.some(({ from, to }) =>
        [from, to].some((end) => end.device === device && (end.through ?? 'eth0') === eth),
      )
      if (!isCabled) throw new LabError(path, `no cable ends at ${eth} of ${device}`)
    } else checkPort(plan, tap.switch ?? '', tap.port ?? '', path)
  })
}
