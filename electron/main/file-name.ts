import type { SavedKind } from '../ipc/contract.js'

/** A file name alone, whatever was suggested, with the extension of its kind. */
export function plainFileName(suggested: string, kind: SavedKind): string {
  const name = suggested.replace(/[\u0000-\u001f<>:"/\\|?*]+/g, '-').replace(/^[.\s-]+/, '')
  return name.toLowerCase().endsWith(`.${kind}`) ? name : `${name || 'midstream'}.${kind}`
}
