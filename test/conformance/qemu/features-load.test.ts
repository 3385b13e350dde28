import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { HostCores } from '../../../core/kernel/cores.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { DEFAULT_MIGRATION_OPTIONS, type MigrationOptions } from '../../../core/migration/migration.js'
import { MigrationSource } from '../../../core/migration/source.js'
import { CollectingStream } from '../../support/collecting-stream.js'
import { NoneGuest } from '../../support/none-guest.js'
import { QemuProcess, requireQemu } from './qemu-process.js'

let folder = ''
let qemu: QemuProcess | null = null
const sockets: Socket[] = []
beforeAll(() => {
  requireQemu()
  folder = mkdtempSync(join(tmpdir(), 'midstream-features-'))
})
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
  qemu?.stop()
  qemu = null
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Sent {
  readonly source: MigrationSource
  readonly guest: NoneGuest
  readonly stream: Uint8Array
  readonly channels: readonly Uint8Array[]
}

/** Everything that a migration of several rounds puts on its connections, the guest writing meanwhile. */
function send(features: Partial<MigrationOptions>): Sent {
  const kernel = new Kernel('features')
  const guest = new NoneGuest(kernel)
  guest.resume()
  const stream = new CollectingStream()
  const channels = Array.from({ length: features.multifdChannels ?? 0 }, () => new CollectingStream())
  const several = { returnPath: false, maxBandwidth: 4 * 1024 ** 2, downtimeLimitNs: 0, roundsMax: 4 }
  const source = new MigrationSource(kernel, {
    vm: guest,
    stream,
    channels,
    cores: new HostCores(kernel, 'a', 4),
    options: { ...DEFAULT_MIGRATION_OPTIONS, ...several, ...features },
    labels: { id: 1, source: 'a', destination: 'qemu', channel: 'none', linkBps: 0 },
    owner: {
      sourceStatusChanged: () => undefined,
      destinationStatusChanged: () => undefined,
      destinationLoaded: () => null,
      destinationMayRun: () => null,
      guestHasLeft: () => false,
    },
  })
  source.start()
  while (source.endedAtNs === null && kernel.step());
  expect(source.status).toBe('completed')
  expect(source.rounds.length).toBeGreaterThan(2)
  return { source, guest, stream: stream.octets(), channels: channels.map((channel) => channel.octets()) }
}

/** A real QEMU that waits for a migration with these capabilities. */
async function waiting(
  capabilities: readonly string[],
  parameters: Record<string, unknown> = {},
): Promise<QemuProcess> {
  qemu = await QemuProcess.start(['-M', 'none', '-m', '1M', '-S', '-incoming', 'defer'])
  await qemu.execute('migrate-set-capabilities', {
    capabilities: capabilities.map((capability) => ({ capability, state: true })),
  })
  if (Object.keys(parameters).length > 0) await qemu.execute('migrate-set-parameters', parameters)
  return qemu
}

async function expectLoaded(running: QemuProcess, { guest }: Sent): Promise<void> {
  await running.until('query-status', ({ status }) => status !== 'inmigrate')
  const path = join(folder, 'memory')
  await running.execute('pmemsave', { val: 0, size: 1024 ** 2, filename: path })
  expect(Buffer.compare(readFileSync(path), guest.ram.octets)).toBe(0)
}

async function loadFile(sent: Sent, capabilities: readonly string[]): Promise<void> {
  const path = join(folder, 'stream')
  writeFileSync(path, sent.stream)
  const running = await waiting(capabilities)
  await running.execute('migrate-incoming', { uri: `exec:cat ${path}` })
  await expectLoaded(running, sent)
}

async function loadChannels(sent: Sent, parameters: Record<string, unknown> = {}): Promise<void> {
  const path = join(folder, `socket-${Object.keys(parameters).length}`)
  const running = await waiting(['multifd'], { 'multifd-channels': sent.channels.length, ...parameters })
  await running.execute('migrate-incoming', { uri: `unix:${path}` })
  for (const octets of [sent.stream, ...sent.channels]) {
    const socket = connect(path)
    sockets.push(socket)
    await new Promise((resolve) => socket.once('connect', resolve))
    socket.write(octets)
  }
  await expectLoaded(running, sent)
}

describe('a real QEMU loads what the engine sends', () => {
  it('as differences, XBZRLE', async () => {
    const sent = send({ xbzrle: true })
    expect(sent.source.statistics.xbzrle.pages).toBeGreaterThan(50)
    await loadFile(sent, ['xbzrle'])
  })

  it('compressed page by page', async () => {
    const sent = send({ compression: 'zlib' })
    expect(sent.source.statistics.compression.pages).toBeGreaterThan(200)
    await loadFile(sent, ['compress'])
  })

  it('on three extra connections', async () => {
    const sent = send({ multifdChannels: 3, maxBandwidth: 256 * 1024 })
    expect(sent.source.statistics.multifdOctets).toBeGreaterThan(200 * 4096)
    await loadChannels(sent)
  })

  it('on two extra connections, compressed', async () => {
    const sent = send({ multifdChannels: 2, compression: 'zlib', maxBandwidth: 64 * 1024 })
    expect(sent.source.statistics.multifdOctets).toBeLessThan(200_000)
    await loadChannels(sent, { 'multifd-compression': 'zlib' })
  })
})
