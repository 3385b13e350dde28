/** The networks of labs/networks. */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { NetworkFile } from '../../cli/network-files.js'

const folder = fileURLToPath(new URL('../../labs/networks/', import.meta.url))

/** Names without `.yaml`. */
export const exampleNetworks: readonly string[] = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => name.replace(/\.yaml$/, ''))

export const examplePath = (name: string): string => `${folder}${name}.yaml`

export const exampleNetwork = (name: string): NetworkFile => new NetworkFile(examplePath(name))
