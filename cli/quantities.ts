import { InputError } from '../core/base/errors.js'

/** What `parse` makes of the text given to an option. Throws `InputError` naming the option. */
export function quantity(option: string, text: string, parse: (text: string) => number): number {
  try {
    return parse(text)
  } catch (error) {
    throw error instanceof InputError ? new InputError(`--${option}: ${error.message}`) : error
  }
}

/** The one of `names` that was given to an option. Throws `InputError` naming the option and the choices. */
export function oneOf<T extends string>(option: string, name: string, names: readonly T[]): T {
  const found = names.find((candidate) => candidate === name)
  if (found === undefined) throw new InputError(`--${option} ${name}: choose one of ${names.join(', ')}`)
  return found
}
