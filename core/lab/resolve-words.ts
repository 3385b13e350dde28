import { LabError } from '../base/errors.js'

/** Put the Markdown files a lab names in the place of their names. `files` maps file names in the lab's folder to text. */
export function resolveWords(value: unknown, files: ReadonlyMap<string, string>, path = ''): unknown {
  if (typeof value === 'string' && /^[\w-]+\.md$/.test(value)) {
    const words = files.get(value)
    if (words === undefined) throw new LabError(path, `there is no file ${value} in the lab's folder`)
    return words
  }
  if (Array.isArray(value)) return value.map((entry, index) => resolveWords(entry, files, `${path}[${index}]`))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [
        key,
        resolveWords(entry, files, path === '' ? key : `${path}.${key}`),
      ]),
    )
  return value
}
