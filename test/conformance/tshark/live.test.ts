/** A capture that is sent on while the session runs, into the real tshark. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrateCommand } from '../../../cli/migrate.js'
import { findViewer } from '../../../electron/wireshark/capture-viewer.js'
import { CaptureReader } from '../../../core/net/wire/capture-reader.js'
import { outputOf } from '../../support/command-output.js'

let folder: string
const { PATH = '' } = process.env
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'live-'))
  const program = await findViewer('tshark')
  if (program === undefined) throw new Error('tshark is not installed: apt-get install tshark')
  // The real one, with its output where this test can read it.
  const script = `#!/bin/sh\nexec "${program}" "$@" > "${join(folder, 'shown')}" 2> /dev/null\n`
  await writeFile(join(folder, 'tshark'), script)
  await chmod(join(folder, 'tshark'), 0o755)
  process.env.PATH = `${folder}${delimiter}${PATH}`
})
afterAll(async () => {
  process.env.PATH = PATH
  await rm(folder, { recursive: true })
})

describe('--live tshark', () => {
  it('shows every frame, in order, as the file has them', async () => {
    const pcap = join(folder, 'mirror.pcapng')
    const { status } = await outputOf(() =>
      migrateCommand(['--ram', '1MiB', '--working-set', '256KiB', '--live', 'tshark', '--pcap', pcap]),
    )
    expect(status).toBe(0)
    const reader = new CaptureReader(await readFile(pcap))
    let frames = 0
    while (reader.next() !== null) frames++
    const lines = (await readFile(join(folder, 'shown'), 'utf8')).trimEnd().split('\n')
    expect(lines).toHaveLength(frames)
    lines.forEach((line, index) => expect(line.trimStart()).toMatch(new RegExp(`^${index + 1} `)))
  })
})
