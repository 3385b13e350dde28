/** Reads lab folders from disk. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse, YAMLParseError } from 'yaml'
import { InputError, LabError } from '../core/base/errors.js'
import { parseLab, type Lab } from '../core/lab/lab-schema.js'
import { resolveWords } from '../core/lab/resolve-words.js'

/** The project's root, from the source tree as well as from `dist/cli`. */
export function projectRoot(): string {
  const here = dirname(fileURLToPath(import.meta.url))
  return here.endsWith(join('dist', 'cli')) ? dirname(dirname(here)) : dirname(here)
}

/** Every lab of the project, in the order of their folders' numbers. */
export function readLabs(): Lab[] {
  const root = join(projectRoot(), 'labs')
  return readdirSync(root)
    .filter((name) => /^\d\d-/.test(name))
    .sort()
    .map((name) => readLab(join(root, name)))
}

/** One lab. Throws `InputError` naming file and place. */
export function readLab(folder: string): Lab {
  const file = join(folder, 'lab.yaml')
  const words = new Map(
    readdirSync(folder)
      .filter((name) => name.endsWith('.md'))
      .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  )
  try {
    return parseLab(resolveWords(parse(readFileSync(file, 'utf8')) as unknown, words))
  } catch (error) {
    if (error instanceof YAMLParseError) throw new InputError(`${file}: ${error.message}`)
    if (error instanceof LabError) throw new InputError(`${file}: ${error.path}: ${error.reason}`)
    throw error
  }
}

/** The lab with that id or part of it: `01-first-crossing`, `first-crossing`, `01`. Throws `InputError` with the choices. */
export function findLab(name: string): Lab {
  const labs = readLabs()
  const lab = labs.find(({ id }) => [id, id.slice(3), id.slice(0, 2)].includes(name))
  if (lab === undefined)
    throw new InputError(`there is no lab "${name}"; there are: ${labs.map(({ id }) => id).join(', ')}`)
  return lab
}
