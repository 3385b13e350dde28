/** Files out of and into the window: the desktop's dialogs, or the browser's. */
import { captureExtensions, type SavedKind } from '../../electron/ipc/contract.js'
import { desktop } from '../desktop.js'

export interface CaptureFile {
  readonly name: string
  readonly octets: Uint8Array
}

const mediaTypes: Partial<Record<SavedKind, string>> = {
  html: 'text/html',
  json: 'application/json',
  pcapng: 'application/x-pcapng',
}

/** Returns where it went in words, or null when the person closed the dialog. */
export async function saveFile(kind: SavedKind, name: string, octets: Uint8Array): Promise<string | null> {
  const api = desktop()
  if (api !== null) {
    const outcome = await api.saveFile({ kind, suggestedName: name, octets })
    return outcome.status === 'saved' ? outcome.path : null
  }
  const url = URL.createObjectURL(
    new Blob([new Uint8Array(octets)], { type: mediaTypes[kind] ?? 'application/octet-stream' }),
  )
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The download reads the blob after the click returned.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
  return name
}

export async function chooseCapture(): Promise<CaptureFile | null> {
  const api = desktop()
  if (api !== null) return (await api.openCapture()) ?? null
  return new Promise((resolve, reject) => {
    const input = document.createElement('input')
    input.type = 'file'
    input.accept = captureExtensions.map((extension) => `.${extension}`).join(',')
    input.addEventListener('cancel', () => resolve(null))
    input.addEventListener('change', () => {
      const file = input.files?.[0]
      if (file === undefined) resolve(null)
      else readCapture(file).then(resolve, reject)
    })
    input.click()
  })
}

export async function readCapture(file: File): Promise<CaptureFile> {
  return { name: file.name, octets: new Uint8Array(await file.arrayBuffer()) }
}
