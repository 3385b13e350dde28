/** The labs and the guest's image as they are bundled with the window. */
import { parse } from 'yaml'
import { parseLab, type Lab } from '../../core/lab/lab-schema.js'
import { resolveWords } from '../../core/lab/resolve-words.js'
import shellUrl from '../../labs/guests/shell.elf?url'

const files = import.meta.glob<string>('../../labs/[0-9][0-9]-*/*.{yaml,md}', {
  query: '?raw',
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

export async function guestImage(): Promise<Uint8Array> {
  const response = await fetch(shellUrl)
  if (!response.ok) throw new Error(`the guest's image could not be read: ${response.status}`)
  return new Uint8Array(await response.arrayBuffer())
}
