import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CaptureViewer, findViewer } from '../../../electron/wireshark/capture-viewer.js'

/** A program that keeps its arguments and what it is fed, beside itself. */
const recorder = '#!/bin/sh\nfolder=$(dirname "$0")\necho "$@" > "$folder/arguments"\nexec cat > "$folder/fed"\n'

describe('CaptureViewer', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'viewer-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  async function install(name: string, script: string): Promise<string> {
    const path = join(folder, name)
    await writeFile(path, script)
    await chmod(path, 0o755)
    return path
  }

  it('finds a program on the path, and none where there is none', async () => {
    const program = await install('wireshark', recorder)
    // A platform without usual places, so that one installed here is not found.
    const platform = 'freebsd'
    expect(await findViewer('wireshark', { platform, path: `/nowhere:${folder}` })).toBe(program)
    expect(await findViewer('tshark', { platform, path: folder })).toBeUndefined()
    await writeFile(join(folder, 'tshark'), 'not to be run', { mode: 0o644 })
    expect(await findViewer('tshark', { platform, path: folder })).toBeUndefined()
  })

  it('feeds it octet for octet and waits for its end', async () => {
    const viewer = await CaptureViewer.start('wireshark', await install('wireshark', recorder))
    const sent = new Uint8Array(3_000_000).map((_, index) => index * 7)
    await viewer.write(sent.subarray(0, 10))
    await viewer.write(new Uint8Array(0))
    await viewer.write(sent.subarray(10))
    expect(viewer.isOpen).toBe(true)
    await viewer.end()
    expect(viewer.isOpen).toBe(false)
    expect(Buffer.compare(await readFile(join(folder, 'fed')), sent)).toBe(0)
    expect(await readFile(join(folder, 'arguments'), 'utf8')).toContain('-k -i -')
  })

  it('notices when it was closed, and loses nothing but what it writes then', async () => {
    const viewer = await CaptureViewer.start('wireshark', await install('wireshark', '#!/bin/sh\nexit 0\n'))
    for (let tries = 0; viewer.isOpen && tries < 1000; tries++) {
      await viewer.write(new Uint8Array(100_000))
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(viewer.isOpen).toBe(false)
    await viewer.write(new Uint8Array(10))
    await viewer.end()
  })

  it('rejects when it cannot be started', async () => {
    await expect(CaptureViewer.start('wireshark', join(folder, 'absent'))).rejects.toThrow(/ENOENT/)
  })
})
