// Opening captures and saving results, through the system's dialogs.
import { app, dialog } from 'electron'
import type { BrowserWindow } from 'electron'
import { readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { captureExtensions } from '../ipc/contract.js'
import type { FileToSave, OpenedFile, SavedKind, SaveOutcome } from '../ipc/contract.js'
import { writeAtomically } from './atomic-file.js'
import { plainFileName } from './file-name.js'

const captureOctetsMax = 1024 * 1024 * 1024

const kindNames: Readonly<Record<SavedKind, string>> = {
  html: 'Web page',
  json: 'JSON',
  pcapng: 'Packet capture',
  csv: 'Comma-separated values',
  md: 'Markdown',
  svg: 'Drawing',
  qevm: 'QEMU migration stream',
}

/** The path the person picked, or nothing. */
export async function pickCapture(window: BrowserWindow): Promise<string | undefined> {
  const { canceled, filePaths } = await dialog.showOpenDialog(window, {
    title: 'Open a capture',
    properties: ['openFile'],
    filters: [
      { name: 'Captures and migration streams', extensions: [...captureExtensions] },
      { name: 'All files', extensions: ['*'] },
    ],
  })
  return canceled ? undefined : filePaths[0]
}

/** Throws an Error to show. */
export async function readCapture(path: string): Promise<OpenedFile> {
  const name = basename(path)
  try {
    const { size } = await stat(path)
    if (size > captureOctetsMax) throw new Error(`it has ${size} octets, and the lab opens at most ${captureOctetsMax}`)
    return { name, octets: new Uint8Array(await readFile(path)) }
  } catch (error) {
    throw new Error(`${name} cannot be opened: ${error instanceof Error ? error.message : String(error)}`)
  }
}

export async function saveFile(
  window: BrowserWindow,
  { kind, suggestedName, octets }: FileToSave,
): Promise<SaveOutcome> {
  const { canceled, filePath } = await dialog.showSaveDialog(window, {
    title: 'Save',
    defaultPath: join(app.getPath('documents'), plainFileName(suggestedName, kind)),
    filters: [{ name: kindNames[kind], extensions: [kind] }],
  })
  if (canceled || !filePath) return { status: 'cancelled' }
  await writeAtomically(filePath, octets)
  return { status: 'saved', path: filePath }
}
