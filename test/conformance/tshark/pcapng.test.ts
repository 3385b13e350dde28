/** What our captures hold beside packets, as the real tools read it. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { inProject } from '../../../scripts/project.mjs'
import { Kernel } from '../../../core/kernel/kernel.js'
import { Tap } from '../../../core/net/tap.js'
import { CaptureReader } from '../../../core/net/wire/capture-reader.js'
import { PcapngWriter } from '../../../core/net/wire/pcapng.js'
import { bootedSession, migrateToEnd } from '../../support/lab-session.js'
import { tsharkFields } from '../../support/tshark.js'

const captures = inProject('test/fixtures/captures')

/** What capinfos, which comes with tshark, says of a capture. */
function capinfos(capture: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'midstream-capinfos-'))
  try {
    const file = join(folder, 'capture.pcapng')
    writeFileSync(file, capture)
    return execFileSync('capinfos', ['-t', '-c', '-I', file]).toString()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new Error('capinfos is not installed: apt-get install tshark', { cause: error })
    throw error
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

describe('pcapng', () => {
  it('with TLS secrets inside lets tshark open what is sealed', () => {
    const reader = new CaptureReader(gunzipSync(readFileSync(`${captures}/a_tls.pcapng.gz`)))
    const write = (keyLog: string | null): Uint8Array => {
      const writer = new PcapngWriter()
      if (keyLog !== null) writer.addTlsSecrets(keyLog)
      const interfaceId = writer.addInterface('a_tls')
      packets.forEach(({ timeNs, octets }) => writer.addPacket(interfaceId, timeNs, octets))
      return writer.take()
    }
    const packets = Array.from({ length: 60 }, () => reader.next()).filter((packet) => packet !== null)
    const opened = (capture: Uint8Array) =>
      tsharkFields(capture, ['tls.handshake.type'], {
        filter: 'tls.handshake.type == 20',
        decodeAs: ['tcp.port==49152,tls'],
      })
    expect(opened(write(null))).toHaveLength(0)
    // Finished messages are sealed in TLS 1.3: only the keys show them.
    expect(opened(write(readFileSync(`${captures}/a_tls.keylog`, 'utf8'))).length).toBeGreaterThan(0)
  })

  it('says how many frames there were, and how many were dropped', () => {
    const tap = new Tap(new Kernel('small'), 'a small tap', { octetsMax: 700_000 })
    for (let count = 0; count < 20_000; count++) tap.receiveFrame(new Uint8Array(60).fill(1))
    const said = capinfos(tap.toPcapng())
    expect(said).toMatch(new RegExp(`Number of packets: *${20_000 - tap.framesDropped}`))
    expect(said).toMatch(/Name = a small tap/)
    expect(said).toMatch(/Number of stat entries = 1/)
    expect(said).toMatch(/Time resolution = 0x09/)
  })

  it('has a comment on each packet that gave a secret away, which is in that packet', () => {
    const session = bootedSession()
    migrateToEnd(session)
    const { tap } = session.world.rack
    const remarks = tsharkFields(tap.toPcapng(), ['frame.number', 'frame.comment'], {
      filter: 'frame.comment',
      decodeAs: ['tcp.port==49152,data'],
    })
    const findings = session.trace.rows('finding')
    expect(remarks.length).toBeGreaterThan(5)
    for (const { packet } of findings)
      expect(remarks.find((remark) => remark['frame.number'] === String(packet))?.['frame.comment']).toContain(
        'Given away here',
      )
  })
})
