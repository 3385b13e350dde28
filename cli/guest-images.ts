import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { InputError } from '../core/base/errors.js'
import { projectRoot } from './lab-files.js'

/** The built image of a guest in labs/guests. Throws `InputError` with the names there are. */
export function readGuestImage(name: string): Uint8Array {
  const folder = join(projectRoot(), 'labs', 'guests')
  const file = join(folder, `${name}.elf`)
  if (!/^[\w-]+$/.test(name) || !existsSync(file)) {
    const names = readdirSync(folder).filter((entry) => entry.endsWith('.elf'))
    throw new InputError(
      `there is no guest "${name}"; there are: ${names.map((entry) => entry.slice(0, -4)).join(', ')}`,
    )
  }
  return new Uint8Array(readFileSync(file))
}
