import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { DISK_NAME, fillDisk } from '../../../core/hypervisor/disk-contents.js'
import { VirtualDisk } from '../../../core/hypervisor/virtual-disk.js'
import { HostCores } from '../../../core/kernel/cores.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { RandomStream } from '../../../core/kernel/random.js'
import { diskChunkOctets, diskChunks, DISK_CHUNK_OCTETS } from '../../../core/migration/guest-disk.js'
import type { MigratableVm } from '../../../core/migration/guest-memory.js'
import { IncomingDisk } from '../../../core/migration/incoming-disk.js'
import { DEFAULT_MIGRATION_OPTIONS, type MigrationOwner } from '../../../core/migration/migration.js'
import { MigrationSource } from '../../../core/migration/source.js'
import { OutgoingDisk } from '../../../core/migration/outgoing-disk.js'
import { encodeDiskChunk } from '../../../core/migration/wire/block-section.js'
import { SilentObserver } from '../../../core/migration/wire/stream-observer.js'
import { StreamReader } from '../../../core/migration/wire/stream-reader.js'
import { StreamWriter } from '../../../core/migration/wire/stream-writer.js'
import { CollectingStream } from '../../support/collecting-stream.js'
import { NoneGuest } from '../../support/none-guest.js'
import { QemuProcess, requireQemu } from './qemu-process.js'

const OCTETS = 3 * DISK_CHUNK_OCTETS + 512 * 1024

/** Of a record: sector, flags and name. */
const HEADER_OCTETS = 8 + 1 + DISK_NAME.length

let folder = ''
let qemu: QemuProcess | null = null
beforeAll(() => {
  requireQemu()
  folder = mkdtempSync(join(tmpdir(), 'midstream-disk-'))
})
afterEach(() => {
  qemu?.stop()
  qemu = null
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function filledDisk(): VirtualDisk {
  const disk = new VirtualDisk(DISK_NAME, OCTETS)
  fillDisk(disk, new RandomStream('disk'), true)
  return disk
}

function contents(disk: VirtualDisk): Uint8Array {
  const octets = new Uint8Array(disk.octets)
  for (let index = 0; index < diskChunks(disk); index++)
    octets.set(disk.chunk(index) ?? new Uint8Array(diskChunkOctets(disk, index)), index * DISK_CHUNK_OCTETS)
  return octets
}

async function startQemu(image: string, ...args: string[]): Promise<QemuProcess> {
  const drive = ['-drive', `if=none,id=${DISK_NAME},format=raw,file=${image}`]
  return QemuProcess.start(['-S', ...drive, ...args])
}

/** Every chunk of a stream: into a disk, and as its record would be written. */
class DiskRecords extends SilentObserver {
  readonly records = new Map<number, Buffer>()
  constructor(private readonly incoming: IncomingDisk) {
    super()
  }
  override diskChunk(device: string, sector: number, octets: Uint8Array | null): void {
    this.incoming.chunk(device, sector, octets)
    this.records.set(sector, Buffer.from(encodeDiskChunk(device, sector, octets)))
  }
}

const silentOwner: MigrationOwner = {
  sourceStatusChanged: () => undefined,
  destinationStatusChanged: () => undefined,
  destinationLoaded: () => null,
  destinationMayRun: () => null,
  guestHasLeft: () => false,
}

/** What the engine writes of a guest with that disk. */
function streamOf(disk: VirtualDisk, zeroBlocks: boolean): Uint8Array {
  const kernel = new Kernel('disk')
  const { name, machineType, memory, devices } = new NoneGuest(kernel)
  const nothing = (): undefined => undefined
  const vm: MigratableVm = { name, machineType, memory, devices, disk, pause: nothing, resume: nothing }
  const stream = new CollectingStream()
  const source = new MigrationSource(kernel, {
    vm,
    stream,
    cores: new HostCores(kernel, 'a', 1),
    options: { ...DEFAULT_MIGRATION_OPTIONS, copyStorage: true, zeroBlocks, maxBandwidth: 0, returnPath: false },
    labels: { id: 1, source: 'a', destination: 'file', channel: 'none', linkBps: 0 },
    owner: silentOwner,
  })
  source.start()
  while (kernel.step());
  expect(source.status).toBe('completed')
  return stream.octets()
}

/** A stream with nothing but a disk: QEMU does not ask for what never comes. */
function diskAlone(disk: VirtualDisk): Uint8Array {
  const writer = new StreamWriter()
  const outgoing = new OutgoingDisk(disk, writer, { zeroBlocks: true })
  writer.fileHeader()
  writer.configuration('virt')
  outgoing.start()
  while (outgoing.hasBulk) outgoing.sendBulk(0)
  outgoing.end(0)
  writer.endOfState()
  return writer.take()
}

describe('a disk in the stream', () => {
  it.each([true, false])('of a real QEMU is read by ours, and its records are ours, zero-blocks %s', async (state) => {
    const disk = filledDisk()
    const image = join(folder, 'theirs.img')
    writeFileSync(image, contents(disk))
    const path = join(folder, 'theirs.qevm')
    qemu = await startQemu(image, '-M', 'none', '-m', '1M')
    await qemu.execute('migrate-set-capabilities', { capabilities: [{ capability: 'zero-blocks', state }] })
    await qemu.execute('migrate', { uri: `exec:cat > ${path}`, blk: true })
    await qemu.until('query-migrate', ({ status }) => status === 'completed')
    expect(await qemu.execute('query-migrate')).not.toHaveProperty('disk')

    const copy = new VirtualDisk(DISK_NAME, OCTETS)
    const theirs = new DiskRecords(new IncomingDisk(copy))
    const stream = readFileSync(path)
    new StreamReader(theirs, { unknownDevices: 'recover' }).push(stream)
    expect(copy.differingOctets(disk)).toBe(0)

    // What fills up the chunk that the disk's end cuts is whatever QEMU had there.
    const ours = Buffer.from(streamOf(disk, state))
    for (const [sector, record] of theirs.records) {
      const whole = (sector + 2048) * 512 <= OCTETS
      const known = whole ? record : record.subarray(0, record.length - DISK_CHUNK_OCTETS / 2)
      for (const octets of [stream, ours]) {
        const at = octets.indexOf(known.subarray(0, HEADER_OCTETS))
        expect(Buffer.compare(octets.subarray(at, at + known.length), known), `sector ${sector}`).toBe(0)
      }
    }
    expect(theirs.records.size).toBe(4)
    // The section's beginning, as far as the end of its first records.
    const at = stream.indexOf('\u0005block', 0, 'latin1') - 5
    const octets = 5 + 6 + 8 + 8 + 5
    expect(ours.includes(stream.subarray(at, at + octets))).toBe(true)
  })

  it('of ours is loaded by a real QEMU', async () => {
    const disk = filledDisk()
    const image = join(folder, 'empty.img')
    writeFileSync(image, new Uint8Array(OCTETS).fill(0xee))
    const path = join(folder, 'ours.qevm')
    writeFileSync(path, diskAlone(disk))
    // QEMU writes only to a drive that a device has.
    const device = ['-device', `virtio-blk-device,drive=${DISK_NAME}`]
    qemu = await startQemu(image, '-M', 'virt', '-m', '8M', '-bios', 'none', ...device, '-incoming', `exec:cat ${path}`)
    await qemu.until('query-status', ({ status }) => status !== 'inmigrate')
    expect(await qemu.monitor(`qemu-io ${DISK_NAME} "flush"`)).not.toContain('rror')
    expect(Buffer.compare(readFileSync(image), contents(disk))).toBe(0)
  })
})
