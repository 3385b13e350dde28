/**
 * A host's advertisement of its resources: one UDP datagram, sent again and again to whoever places machines. The format is
 * Midstream's own. Like what the products did on which false adverts were shown, it proves nothing about its sender:
 * the tag at its end is empty, and is where a MAC would stand.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +---------------------------------------------------------------+
 *   0 |                         magic "MADV"                          |
 *     +---------------+---------------+---------------+---------------+
 *   4 |  version = 1  |    health     |     power     |  tag octets   |
 *     +---------------+---------------+---------------+---------------+
 *   8 |                           sequence                            |
 *     +-------------------------------+-------------------------------+
 *  12 |             cores             |  busy, in 1/10000 of all      |
 *     +-------------------------------+-------------------------------+
 *  16 |                     RAM in octets (64 bits)                   |
 *  24 |                   free RAM in octets (64 bits)                |
 *     +---------------------------------------------------------------+
 *  32 |             IPv4 address of the management controller         |
 *     +-------------------------------+---------------+---------------+
 *  36 |            machines           |  name octets  |  name ...
 *     +-------------------------------+---------------+---------------+
 *         then for each machine:
 *     +---------------+---------------+-------------------------------+
 *     |  name octets  | name ...      | RAM in octets (64 bits)
 *     +---------------+---------------+---------------+---------------+
 *     |  busy, in 1/10000 of all      | TCP port of its QMP monitor   |
 *     +-------------------------------+-------------------------------+
 *         then the tag
 */
import { WireError } from '../../base/errors.js'
import { latin1Octets, OctetReader, OctetWriter } from '../../base/octets.js'

export const ADVERT_PORT = 7650

const PROTOCOL = 'advert'
const MAGIC = 0x4d414456
const VERSION = 1
const SHARE_UNITS = 10_000
/** What fits one Ethernet frame is enough for a host; a datagram in fragments is still read up to this many machines. */
export const ADVERT_VMS_MAX = 256
const NAME_OCTETS_MAX = 63

/** What a host says of its hardware: `warning` before something breaks, `failing` when it does. */
export const hostHealths = ['ok', 'warning', 'failing'] as const
export type HostHealth = (typeof hostHealths)[number]

/** `off` is the last word of a host that is told to switch off. */
export const advertPowers = ['on', 'off'] as const
export type AdvertPower = (typeof advertPowers)[number]

export interface AdvertisedVm {
  /** Of printable ASCII, 1 to 63 characters, as names of hosts. */
  readonly name: string
  readonly ramOctets: number
  /** The part of all cores of its host that it used since the last advert, 0 to 1. */
  readonly busyShare: number
  readonly monitorPort: number
}

export interface Advert {
  readonly host: string
  /** Counts up by one with each advert; 32 bits. */
  readonly sequence: number
  readonly health: HostHealth
  readonly power: AdvertPower
  readonly cores: number
  /** The part of all cores that was used since the last advert, 0 to 1. */
  readonly busyShare: number
  readonly ramOctets: number
  readonly freeRamOctets: number
  /** Where the host is switched on and off, whatever state it is in: an IPv4 address. */
  readonly controllerAddress: number
  readonly vms: readonly AdvertisedVm[]
}

export interface ReceivedAdvert {
  readonly advert: Advert
  /** What a MAC would cover, and the MAC: views of the datagram. */
  readonly covered: Uint8Array
  readonly tag: Uint8Array
}

/** Shares are rounded to 1/10000. */
export function encodeAdvert(advert: Advert, tag: Uint8Array = new Uint8Array(0)): Uint8Array {
  const out = new OctetWriter(64 + advert.vms.length * 40)
  out.u32(MAGIC).u8(VERSION).u8(hostHealths.indexOf(advert.health)).u8(advertPowers.indexOf(advert.power))
  out.u8(tag.length).u32(advert.sequence).u16(advert.cores).u16(toUnits(advert.busyShare))
  out.u64(advert.ramOctets).u64(advert.freeRamOctets).u32(advert.controllerAddress).u16(advert.vms.length)
  writeName(out, advert.host)
  for (const { name, ramOctets, busyShare, monitorPort } of advert.vms) {
    writeName(out, name)
    out.u64(ramOctets).u16(toUnits(busyShare)).u16(monitorPort)
  }
  return out.octets(tag).take()
}

/** Throws `WireError`. */
export function decodeAdvert(datagram: Uint8Array): ReceivedAdvert {
  const input = new OctetReader(datagram, PROTOCOL)
  if (input.u32('magic') !== MAGIC) throw new WireError(PROTOCOL, 0, 'is no advert')
  const version = input.u8('version')
  if (version !== VERSION) throw new WireError(PROTOCOL, 4, `version ${version}, only ${VERSION} is known`)
  const health = choice(hostHealths, input, 'health')
  const power = choice(advertPowers, input, 'power')
  const tagOctets = input.u8('tag length')
  const sequence = input.u32('sequence')
  const cores = input.u16('cores')
  if (cores === 0) throw new WireError(PROTOCOL, 12, 'a host has cores')
  const busyShare = readShare(input)
  const ramOctets = readSize(input)
  const freeRamOctets = readSize(input)
  if (freeRamOctets > ramOctets) throw new WireError(PROTOCOL, 24, 'more memory is free than there is')
  const controllerAddress = input.u32('controller address')
  const vmCount = input.u16('number of machines')
  if (vmCount > ADVERT_VMS_MAX) throw new WireError(PROTOCOL, 36, `${vmCount} machines, at most ${ADVERT_VMS_MAX}`)
  const host = readName(input)
  const vms: AdvertisedVm[] = []
  for (let index = 0; index < vmCount; index++) vms.push(readVm(input, vms))
  const covered = datagram.subarray(0, input.offset)
  const tag = input.view(tagOctets, 'tag')
  if (input.remaining > 0) throw new WireError(PROTOCOL, input.offset, `${input.remaining} octets too many`)
  const resources = { cores, busyShare, ramOctets, freeRamOctets, controllerAddress, vms }
  return { advert: { host, sequence, health, power, ...resources }, covered, tag }
}

function readVm(input: OctetReader, known: readonly AdvertisedVm[]): AdvertisedVm {
  const at = input.offset
  const name = readName(input)
  if (known.some((vm) => vm.name === name)) throw new WireError(PROTOCOL, at, `machine ${name} twice`)
  const vm = { name, ramOctets: readSize(input), busyShare: readShare(input), monitorPort: input.u16('port') }
  if (vm.monitorPort === 0) throw new WireError(PROTOCOL, input.offset - 2, 'port 0')
  return vm
}

const toUnits = (share: number): number => Math.round(Math.min(1, Math.max(0, share)) * SHARE_UNITS)

function readShare(input: OctetReader): number {
  const units = input.u16('share')
  if (units > SHARE_UNITS) throw new WireError(PROTOCOL, input.offset - 2, `a share of ${units}/${SHARE_UNITS}`)
  return units / SHARE_UNITS
}

function readSize(input: OctetReader): number {
  const octets = input.u64('size')
  if (!Number.isSafeInteger(octets)) throw new WireError(PROTOCOL, input.offset - 8, 'a size of over 2^53 octets')
  return octets
}

function choice<T>(choices: readonly T[], input: OctetReader, what: string): T {
  const value = input.u8(what)
  const chosen = choices[value]
  if (chosen === undefined) throw new WireError(PROTOCOL, input.offset - 1, `${what} ${value} is unknown`)
  return chosen
}

function writeName(out: OctetWriter, name: string): void {
  const octets = latin1Octets(name)
  out.u8(octets.length).octets(octets)
}

function readName(input: OctetReader): string {
  const at = input.offset
  const length = input.u8('name length')
  if (length === 0 || length > NAME_OCTETS_MAX)
    throw new WireError(PROTOCOL, at, `a name of ${length} octets: 1 to ${NAME_OCTETS_MAX}`)
  const name = input.latin1(length, 'name')
  if (!/^[!-~]+$/.test(name)) throw new WireError(PROTOCOL, at + 1, 'a name has printable ASCII alone')
  return name
}
