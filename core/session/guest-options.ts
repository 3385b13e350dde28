/** What can be set of some guests and means nothing to the others; settable while they run. */
import { InputError } from '../base/errors.js'
import { CONTENTS, type GuestParameters } from '../machine/guest-parameters.js'

export type GuestOptions = Pick<
  GuestParameters,
  'readsPerSecond' | 'hotPages' | 'hotPercent' | 'content' | 'hasIsolationFault'
>
export type GuestOption = keyof GuestOptions

const READS_PER_SECOND_MAX = 1e6
const HOT_PAGES_MAX = 2 ** 18

const optionsOfImage: Readonly<Record<string, readonly GuestOption[]>> = {
  kv: ['readsPerSecond'],
  stress: ['hotPages', 'hotPercent', 'content'],
  tenant: ['hasIsolationFault'],
}

/** The options that the image of that name in labs/guests has. */
export function guestOptionNames(image: string): readonly GuestOption[] {
  return Object.hasOwn(optionsOfImage, image) ? optionsOfImage[image]! : []
}

/** Throws `InputError` for an option the image does not have, or a value it cannot have. */
export function checkGuestOptions(image: string, options: Partial<GuestOptions>): void {
  const names = guestOptionNames(image)
  for (const [name, value] of Object.entries(options)) {
    const known = names.find((candidate) => candidate === name)
    if (known === undefined) throw new InputError(`the guest ${image} has no option ${name}${listed(names)}`)
    checks[known](value)
  }
}

/** `name=value` as the command line takes it, for the options of `image`. */
export function parseGuestOption(image: string, text: string): Partial<GuestOptions> {
  const [, name = '', given = ''] = /^([A-Za-z]+)=(.+)$/.exec(text) ?? []
  if (name === '') throw new InputError(`"${text}" is not an option of a guest: write it like hotPages=32`)
  const value = given === 'true' ? true : given === 'false' ? false : /^\d+$/.test(given) ? Number(given) : given
  const options = { [name]: value } as Partial<GuestOptions>
  checkGuestOptions(image, options)
  return options
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? ', and no other' : `; it has: ${names.join(', ')}`
}

function within(name: GuestOption, max: number): (value: unknown) => void {
  return (value) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max)
      throw new InputError(`${name} ${String(value)}: choose a whole number from 0 to ${max}`)
  }
}

const checks: Readonly<Record<GuestOption, (value: unknown) => void>> = {
  readsPerSecond: within('readsPerSecond', READS_PER_SECOND_MAX),
  hotPages: within('hotPages', HOT_PAGES_MAX),
  hotPercent: within('hotPercent', 100),
  content: (value) => {
    if (!CONTENTS.some((content) => content === value))
      throw new InputError(`content ${String(value)}: choose one of ${CONTENTS.join(', ')}`)
  },
  hasIsolationFault: (value) => {
    if (typeof value !== 'boolean') throw new InputError(`hasIsolationFault ${String(value)}: choose true or false`)
  },
}
