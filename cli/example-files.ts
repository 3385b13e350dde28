import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { InputError } from '../core/base/errors.js'
import { projectRoot } from './lab-files.js'

/** The file of that path, or the example of that name in a folder of labs: `networks`, `fleets`. Throws `InputError`. */
export function findExample(folderName: string, name: string): string {
  const folder = join(projectRoot(), 'labs', folderName)
  const examples = readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
  if (examples.includes(name)) return join(folder, `${name}.yaml`)
  if (!existsSync(name))
    throw new InputError(`there is no file ${name}, and no example of that name; there are: ${examples.join(', ')}`)
  return name
}
