// What commands print. With `--json -` the JSON is alone on standard output; everything for people then goes nowhere.
import { access, constants, mkdir, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { InputError } from '../core/base/errors.js'
import { textTable } from '../core/base/text-table.js'

export interface Output {
  /** A line for a person. */
  line(text?: string): void
  /** A table for a person; numbers are set to the right. */
  table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): void
  /** The machine-readable result; written where `--json` says, otherwise not at all. */
  json(value: unknown): Promise<void>
}

/** @param jsonTarget what `--json` was given: a file, `-` for standard output, or nothing */
export function openOutput(
  jsonTarget: string | undefined,
  write: (text: string) => void = (text) => process.stdout.write(text),
): Output {
  const isForPeople = jsonTarget !== '-'
  const line = (text = '') => {
    if (isForPeople) write(`${text}\n`)
  }
  return {
    line,
    table: (header, rows) => textTable(header, rows).forEach(line),
    json: async (value) => {
      if (jsonTarget === undefined) return
      const text = `${JSON.stringify(value, undefined, 2)}\n`
      if (jsonTarget === '-') write(text)
      else await writeOutputFile(jsonTarget, text)
    },
  }
}

/**
 * Before long work: that files can be put where the person wants them. Throws an InputError for the first that cannot.
 * Nothing is made or changed.
 */
export async function expectWritable(...paths: readonly (string | undefined)[]): Promise<void> {
  for (const path of paths) {
    if (path === undefined) continue
    try {
      const known = await stat(path).catch(() => null)
      if (known?.isDirectory() === true) throw new Error('it is a folder')
      await access(known === null ? dirname(path) : path, constants.W_OK)
    } catch (error) {
      throw new InputError(`${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

/** A folder the person named, made if it is not there. Throws an InputError saying why it cannot be. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true })
  } catch (error) {
    throw new InputError(`${path} cannot be made: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Write a file the person named. Throws an InputError saying why it cannot be written. */
export async function writeOutputFile(path: string, contents: string | Uint8Array): Promise<void> {
  try {
    await writeFile(path, contents)
  } catch (error) {
    throw new InputError(`${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`)
  }
}
