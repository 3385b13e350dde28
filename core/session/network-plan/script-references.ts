/** Whether the names in a plan's script are those of things that the plan has. */
import { LabError } from '../../base/errors.js'
import { parseIp } from '../../net/wire/addresses.js'
import type { NetworkPlan } from '../network-plan.js'
import { allHosts, checkLinkName, checkPort, unknown } from './plan-names.js'
import type { ScriptItem } from './script-plan.js'

/** Throws `LabError`. */
export function checkScript(plan: NetworkPlan): void {
  plan.script.forEach((item, index) => checkItem(plan, item, `script[${index}]`))
}

function checkItem(plan: NetworkPlan, item: ScriptItem, path: string): void {
  const host = (name: string | undefined, field: string): void => {
    if (name !== undefined && !allHosts(plan).has(name)) throw new LabError(`${path}.${field}`, unknown(plan, name))
  }
  const target = (name: string | undefined, field: string): void => {
    if (name === undefined || isAddress(name)) return
    host(name, field)
  }
  if ('from' in item) host(item.from, 'from')
  if ('to' in item) target(item.to, 'to')
  if ('listener' in item) host(item.listener, 'listener')
  if ('hears' in item && item.hears !== undefined && item.listener === undefined)
    throw new LabError(`${path}.hears`, 'who hears? Name a listener')
  switch (item.do) {
    case 'cut':
    case 'restore':
      checkLinkName(plan, item.link, `${path}.link`)
      break
    case 'configure':
      if (item.link !== undefined) checkLinkName(plan, item.link, `${path}.link`)
      if (item.switch !== undefined && item.port !== undefined) checkPort(plan, item.switch, item.port, path)
      if (item.switch !== undefined && !Object.hasOwn(plan.switches, item.switch))
        throw new LabError(`${path}.switch`, `there is no switch ${item.switch}`)
      if (item.router !== undefined && (plan.routers[item.router]?.rip ?? null) === null)
        throw new LabError(`${path}.router`, `${item.router} is no router with rip`)
      break
    case 'announce':
      target(item.address, 'address')
      break
    case 'traceroute':
      item.through?.forEach((name, hop) => host(name, `through[${hop}]`))
      break
    case 'send':
      if (item.tags.length > 0 && isAddress(item.to))
        throw new LabError(`${path}.to`, 'a tagged frame goes to a host of the plan, not to an address')
      break
    case 'show':
      host(item.host, 'host')
      if (item.link !== undefined) checkLinkName(plan, item.link, `${path}.link`)
      if (item.switch !== undefined && !Object.hasOwn(plan.switches, item.switch))
        throw new LabError(`${path}.switch`, `there is no switch ${item.switch}`)
      break
    case 'ping':
    case 'transfer':
    case 'wait':
    case 'forge-rip':
    case 'dtp':
    case 'flood-mac':
    case 'flood-syn':
  }
}

export function isAddress(text: string): boolean {
  try {
    parseIp(text)
    return true
  } catch {
    return false
  }
}
