import { open, rename, rm } from 'node:fs/promises'

/** Write a whole file or nothing: a reader, or a start after a power cut, sees the old contents or the new. */
export async function writeAtomically(path: string, ...parts: readonly (Uint8Array | string)[]): Promise<void> {
  const draft = `${path}.${process.pid}.draft`
  try {
    const file = await open(draft, 'w', 0o600)
    try {
      for (const part of parts) await file.writeFile(part)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}
