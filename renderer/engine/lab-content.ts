/** The labs and the guests' images as they are bundled with the window. */
import { parse } from 'yaml'
import { parseLab, type Lab } from '../../core/lab/lab-schema.js'
import { resolveWords } from '../../core/lab/resolve-words.js'

const files = import.meta.glob<string>('../../labs/[0-9][0-9]-*/*.{yaml,md}', {
  query: '?raw',
  import: 'default',
  eager: true,
})

const networkFiles = import.meta.glob<string>('../../labs/networks/*.yaml', {
  query: '?raw',
  import: 'default',
  eager: true,
})

const fleetFiles = import.meta.glob<string>('../../labs/fleets/*.yaml', {
  query: '?raw',
  import: 'default',
  eager: true,
})

const imageUrls = import.meta.glob<string>('../../labs/guests/*.elf', {
  query: '?url',
  import: 'default',
  eager: true,
})

/** Every lab, in the order of their folders. */
export function bundledLabs(): Lab[] {
  const folders = new Map<string, Map<string, string>>()
  for (const [path, text] of Object.entries(files)) {
    const [folder = '', name = ''] = path.split('/').slice(-2)
    const words = folders.get(folder) ?? new Map<string, string>()
    folders.set(folder, words.set(name, text))
  }
  return [...folders]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, words]) => parseLab(resolveWords(parse(words.get('lab.yaml') ?? '') as unknown, words)))
}

/** The example networks, as they were written, by the names of their files. */
export const bundledNetworks = (): Record<string, unknown> => valuesByName(networkFiles)

/** The example fleets, likewise. */
export const bundledFleets = (): Record<string, unknown> => valuesByName(fleetFiles)

function valuesByName(texts: Readonly<Record<string, string>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(texts).map(([path, text]) => [/([\w-]+)\.yaml$/.exec(path)?.[1] ?? path, parse(text) as unknown]),
  )
}

/** The images of labs/guests by name. */
export async function guestImages(): Promise<Record<string, Uint8Array>> {
  const read = async ([path, url]: [string, string]): Promise<[string, Uint8Array]> => {
    const name = /([\w-]+)\.elf$/.exec(path)?.[1] ?? path
    const response = await fetch(url)
    if (!response.ok) throw new Error(`the image of the guest ${name} could not be read: ${response.status}`)
    return [name, new Uint8Array(await response.arrayBuffer())]
  }
  return Object.fromEntries(await Promise.all(Object.entries(imageUrls).map(read)))
}
