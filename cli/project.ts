import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from './lab-files.js'

/** Midstream's own version, from package.json. */
export function projectVersion(): string {
  const { version } = JSON.parse(readFileSync(join(projectRoot(), 'package.json'), 'utf8')) as { version: string }
  return version
}
