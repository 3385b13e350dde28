/** How a switch's port is set up: plain data, with the defaults and what is refused. */
import { InputError } from '../../base/errors.js'
import { isGroupMac, macText, type MacAddress } from '../wire/addresses.js'
import { checkVlan, parseVlans } from './vlan-set.js'

/**
 * `access` carries one VLAN without tags, `trunk` several with tags. `trunk` says so to its neighbour by DTP, and
 * `nonegotiate` is a trunk that keeps silent. A `dynamic-desirable` port asks to become a trunk, a `dynamic-auto` port
 * becomes one when it is asked, by whomever: that is the mistake that trunk spoofing needs. Access ports neither send DTP
 * nor listen to it.
 */
export const PORT_MODES = ['access', 'trunk', 'dynamic-auto', 'dynamic-desirable', 'nonegotiate'] as const
export type PortMode = (typeof PORT_MODES)[number]

/** What happens to a frame from an address too many. */
export const VIOLATION_MODES = ['protect', 'restrict', 'shutdown'] as const
export type ViolationMode = (typeof VIOLATION_MODES)[number]

export interface PortSecurityOptions {
  /** Addresses that may be behind the port: 1. */
  readonly maximum?: number
  /** `protect` drops silently, `restrict` drops, counts and reports, `shutdown` (the default) also disables the port. */
  readonly violation?: ViolationMode
  /** Addresses that are known beforehand, in the port's own VLAN. They count. */
  readonly addresses?: readonly MacAddress[]
  /** Whether addresses that are learned stay when the port goes down. */
  readonly sticky?: boolean
}

export interface PortOptions {
  readonly mode?: PortMode
  /** The VLAN of an access port: 1. */
  readonly accessVlan?: number
  /** The VLAN of what comes without a tag into a trunk, and leaves it without one: 1. */
  readonly nativeVlan?: number
  /** VLANs that a trunk carries, such as `10,20-30`: `all`. */
  readonly allowedVlans?: string
  /** Send the native VLAN with tags too, and refuse what comes without: no. */
  readonly tagsNative?: boolean
  readonly security?: PortSecurityOptions | null
  /** ARP from here is not inspected: no. */
  readonly trustsArp?: boolean
  /** ARP messages a second in inspected VLANs; more disable the port. 15, or without bound (null) on a trusted port. */
  readonly arpRateMax?: number | null
  /** Switched off by the administrator: no. */
  readonly isShut?: boolean
}

export type PortSettings = Required<Omit<PortOptions, 'security' | 'arpRateMax'>> & {
  readonly security: Required<PortSecurityOptions> | null
  readonly arpRateMax: number | null
}

/** With every default filled in. Throws `InputError` saying what is wrong. */
export function portSettings(options: PortOptions): PortSettings {
  const { security = null, trustsArp = false } = options
  const settings: PortSettings = {
    mode: options.mode ?? 'access',
    accessVlan: options.accessVlan ?? 1,
    nativeVlan: options.nativeVlan ?? 1,
    allowedVlans: parseVlans(options.allowedVlans ?? 'all').text(),
    tagsNative: options.tagsNative ?? false,
    security:
      security === null ? null : { maximum: 1, violation: 'shutdown', addresses: [], sticky: false, ...security },
    trustsArp,
    arpRateMax: options.arpRateMax === undefined ? (trustsArp ? null : 15) : options.arpRateMax,
    isShut: options.isShut ?? false,
  }
  if (!PORT_MODES.includes(settings.mode))
    throw new InputError(`"${settings.mode}" is not a port mode: ${PORT_MODES.join(', ')}`)
  checkVlan(settings.accessVlan, 'the access VLAN')
  checkVlan(settings.nativeVlan, 'the native VLAN')
  if (settings.security !== null) checkSecurity(settings.security, settings.mode)
  const { arpRateMax } = settings
  if (arpRateMax !== null && !(Number.isInteger(arpRateMax) && arpRateMax >= 1))
    throw new InputError(`ARP rate ${arpRateMax}: a whole number a second, at least 1`)
  return settings
}

function checkSecurity(security: Required<PortSecurityOptions>, mode: PortMode): void {
  const { maximum, violation, addresses } = security
  if (mode === 'dynamic-auto' || mode === 'dynamic-desirable')
    throw new InputError(`port security needs a port that is access or trunk for good, not ${mode}`)
  if (!Number.isInteger(maximum) || maximum < 1 || maximum > 4096)
    throw new InputError(`port security of ${maximum} addresses: 1 to 4096`)
  if (!VIOLATION_MODES.includes(violation))
    throw new InputError(`"${violation}" is not a violation mode: ${VIOLATION_MODES.join(', ')}`)
  if (addresses.length > maximum)
    throw new InputError(`${addresses.length} secure addresses are more than the maximum of ${maximum}`)
  const group = addresses.find(isGroupMac)
  if (group !== undefined) throw new InputError(`${macText(group)} is a group address: no station has it`)
  if (new Set(addresses).size < addresses.length) throw new InputError('a secure address is there twice')
}
