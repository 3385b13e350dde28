/** What the host tells a guest of labs/guests before it starts (labs/guests/runtime/parameters.h). */
import { writeU32le } from '../base/octets.js'
import { RAM_BASE } from '../cpu/memory.js'
import type { Ram } from './ram.js'

/** Guest address of the parameter block. */
export const GUEST_PARAMETERS_AT = 0x8003_f000
const MAGIC = 0x5344_494d

const FLAG_NO_SECRETS = 1
const FLAG_NO_TICK = 2
const FLAG_TICK_ALWAYS = 4

export const CARD_FORMATS = ['plain', 'dashes', 'spaces'] as const
export const KEY_KINDS = ['RSA', 'EC', 'OPENSSH'] as const
/** What pages are filled and rewritten with: pseudo-random words, mostly zeros, or English. */
export const CONTENTS = ['random', 'zeros', 'text'] as const

export interface GuestParameters {
  /** Unsigned 32-bit: every secret, their addresses and the fill come from it. */
  readonly seed: number
  readonly workingSetPages: number
  /** Pages of the working set rewritten a second, at most a million. */
  readonly pagesPerSecond: number
  /** Octets rewritten at each visit of a page, in words spread over it: 4 to 4096. */
  readonly octetsPerPage: number
  /** IPv4 address as a number, most significant octet first. */
  readonly ip: number
  /** RAM to fill with pseudo-random words at boot. */
  readonly fillOctets: number
  /** False: the guest holds no secrets, and any name logs in without a password. */
  readonly hasSecrets: boolean
  /** The once-a-second counter line: after login, always, or not until it is asked for. */
  readonly tick: 'after-login' | 'always' | 'off'
  /** 0 or 1: which records, and whether the key lies across a page boundary. */
  readonly layout: 0 | 1
  readonly cardFormat: (typeof CARD_FORMATS)[number]
  readonly keyKind: (typeof KEY_KINDS)[number]
  /** Settings kept as UTF-16LE instead of one octet a character. */
  readonly wideSettings: boolean
  /** kv: requests a second that the guest makes of itself. */
  readonly readsPerSecond: number
  readonly writesPerSecond: number
  /** stress: the first pages of the working set that get `hotPercent` of the visits. */
  readonly hotPages: number
  readonly hotPercent: number
  readonly content: (typeof CONTENTS)[number]
  /** tenant: a hole in the wall between its two programs. */
  readonly hasIsolationFault: boolean
}

/** What `shell.elf` takes when nobody tells it anything. */
export const SHELL_DEFAULTS: GuestParameters = Object.freeze({
  seed: 0x00c0_ffee,
  workingSetPages: 64,
  pagesPerSecond: 100,
  octetsPerPage: 64,
  ip: 0x0a00_020f,
  fillOctets: 0,
  hasSecrets: true,
  tick: 'after-login',
  layout: 0,
  cardFormat: 'plain',
  keyKind: 'RSA',
  wideSettings: false,
  readsPerSecond: 200,
  writesPerSecond: 50,
  hotPages: 16,
  hotPercent: 80,
  content: 'random',
  hasIsolationFault: false,
})

/** What `shell-b.elf` takes: the other layout, and other encodings. */
export const SHELL_B_DEFAULTS: GuestParameters = Object.freeze({
  ...SHELL_DEFAULTS,
  layout: 1,
  cardFormat: 'dashes',
  keyKind: 'EC',
  wideSettings: true,
})

/** What `stress.elf` takes: no secrets, hot and cold pages, text. */
export const STRESS_DEFAULTS: GuestParameters = Object.freeze({
  ...SHELL_DEFAULTS,
  workingSetPages: 256,
  pagesPerSecond: 1000,
  octetsPerPage: 256,
  hasSecrets: false,
  hotPages: 32,
  content: 'text',
})

/** What `tenant.elf` takes: of it all, the seed, the address and the isolation fault mean something to it. */
export const TENANT_DEFAULTS: GuestParameters = Object.freeze({
  ...SHELL_DEFAULTS,
  workingSetPages: 0,
  pagesPerSecond: 0,
})

const imageDefaults: Readonly<Record<string, GuestParameters>> = {
  shell: SHELL_DEFAULTS,
  'shell-b': SHELL_B_DEFAULTS,
  stress: STRESS_DEFAULTS,
  tenant: TENANT_DEFAULTS,
}

/** What the image of that name in labs/guests takes when nobody tells it anything; `SHELL_DEFAULTS` for others. */
export function defaultsOfImage(name: string): GuestParameters {
  return imageDefaults[name] ?? SHELL_DEFAULTS
}

/** The block as octets, for a machine with `ramOctets`. */
export function encodeGuestParameters(parameters: GuestParameters, ramOctets: number): Uint8Array {
  const flags =
    (parameters.hasSecrets ? 0 : FLAG_NO_SECRETS) |
    (parameters.tick === 'off' ? FLAG_NO_TICK : 0) |
    (parameters.tick === 'always' ? FLAG_TICK_ALWAYS : 0)
  const words = [
    MAGIC,
    parameters.seed,
    parameters.workingSetPages,
    parameters.pagesPerSecond,
    parameters.octetsPerPage,
    parameters.ip,
    ramOctets,
    parameters.fillOctets,
    flags,
    parameters.layout,
    CARD_FORMATS.indexOf(parameters.cardFormat),
    KEY_KINDS.indexOf(parameters.keyKind),
    parameters.wideSettings ? 1 : 0,
    parameters.readsPerSecond,
    parameters.writesPerSecond,
    parameters.hotPages,
    parameters.hotPercent,
    CONTENTS.indexOf(parameters.content),
    parameters.hasIsolationFault ? 1 : 0,
  ]
  const octets = new Uint8Array(4 * words.length)
  for (const [index, word] of words.entries()) writeU32le(octets, 4 * index, word)
  return octets
}

/** Leave the block where the guest looks for it. Call it after loading the image and before the first slice. */
export function writeGuestParameters(ram: Ram, parameters: GuestParameters): void {
  ram.write(GUEST_PARAMETERS_AT - RAM_BASE, encodeGuestParameters(parameters, ram.octets.length))
}
