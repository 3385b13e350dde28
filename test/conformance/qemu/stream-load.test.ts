import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { latin1Octets } from '../../../core/base/octets.js'
import { PAGE_OCTETS } from '../../../core/base/units.js'
import { HostCores } from '../../../core/kernel/cores.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import type { DeviceStateDescription, StatefulDevice, StateValues } from '../../../core/machine/device-state.js'
import type { MigratableVm, RamBlock } from '../../../core/migration/guest-memory.js'
import { DEFAULT_MIGRATION_OPTIONS, type MigrationOwner } from '../../../core/migration/migration.js'
import { MigrationSource } from '../../../core/migration/source.js'
import { encodeDeviceState } from '../../../core/migration/wire/device-codec.js'
import { observeFields, observedNumber } from '../../../core/migration/wire/observed-fields.js'
import { RAM_SECTION, type SectionHeader } from '../../../core/migration/wire/qevm.js'
import { RamImage } from '../../../core/migration/wire/ram-image.js'
import { StreamReader } from '../../../core/migration/wire/stream-reader.js'
import { StreamWriter } from '../../../core/migration/wire/stream-writer.js'
import { describeDevice, descriptionText, type DeviceDescription } from '../../../core/migration/wire/vmdesc.js'
import { CollectingStream } from '../../support/collecting-stream.js'
import { ToyMemory } from '../../support/toy-vm.js'
import { QemuProcess, requireQemu } from './qemu-process.js'

/** QEMU's machine `none` has no CPU and no board: RAM, a timer and the run state are all that migrates. */
class PlainDevice implements StatefulDevice {
  constructor(
    readonly stateDescription: DeviceStateDescription,
    private readonly values: StateValues,
  ) {}
  saveState(): StateValues {
    return this.values
  }
  loadState(): void {
    throw new Error('never loaded')
  }
}

const runState = new Uint8Array(100)
runState.set(latin1Octets('paused'))
const timer = new PlainDevice(
  {
    idstr: 'timer',
    instanceId: 0,
    version: 2,
    vmsdName: 'timer',
    fields: [
      { name: 'cpu_ticks_offset', type: 'int64' },
      { name: 'unused', type: 'unused_buffer', size: 8, fixed: new Uint8Array(8) },
      { name: 'cpu_clock_offset', type: 'int64' },
    ],
  },
  { cpu_ticks_offset: 0n, cpu_clock_offset: 0n },
)
const globalState = new PlainDevice(
  {
    idstr: 'globalstate',
    instanceId: 0,
    version: 1,
    vmsdName: 'globalstate',
    fields: [
      { name: 'size', type: 'uint32' },
      { name: 'runstate', type: 'buffer', size: 100 },
    ],
  },
  { size: 'paused'.length + 1, runstate: runState },
)

class BareVm implements MigratableVm {
  readonly name = 'bare'
  readonly machineType = 'none'
  readonly ram = new ToyMemory(256)
  readonly memory: readonly RamBlock[] = [{ name: 'ram', memory: this.ram }]
  readonly devices = [timer, globalState]

  constructor() {
    for (let page = 0; page < 256; page += 5)
      this.ram.octets.set(latin1Octets(`page ${page} of a guest. `.repeat(150)), page * PAGE_OCTETS)
  }
  pause(): void {}
  resume(): void {}
}

const silentOwner: MigrationOwner = {
  sourceStatusChanged: () => undefined,
  destinationStatusChanged: () => undefined,
  destinationLoaded: () => null,
  destinationMayRun: () => null,
  guestHasLeft: () => false,
}

let folder = ''
let qemu: QemuProcess | null = null
beforeAll(() => {
  requireQemu()
  folder = mkdtempSync(join(tmpdir(), 'midstream-qemu-'))
})
afterEach(() => {
  qemu?.stop()
  qemu = null
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Let a real QEMU load `stream` into its machine `none`. */
async function load(stream: Uint8Array): Promise<QemuProcess> {
  const path = join(folder, 'ours.qevm')
  writeFileSync(path, stream)
  qemu = await QemuProcess.start(['-M', 'none', '-m', '1M', '-S', '-incoming', `exec:cat ${path}`])
  await qemu.until('query-status', ({ status }) => status !== 'inmigrate')
  return qemu
}

async function savedMemory(running: QemuProcess, address: number, octets: number): Promise<Uint8Array> {
  const path = join(folder, 'memory')
  await running.execute('pmemsave', { val: address, size: octets, filename: path })
  return new Uint8Array(readFileSync(path))
}

describe('a stream of ours', () => {
  it('made by the engine loads in a real QEMU, memory and all', async () => {
    const kernel = new Kernel('file')
    const vm = new BareVm()
    const stream = new CollectingStream()
    const source = new MigrationSource(kernel, {
      vm,
      stream,
      cores: new HostCores(kernel, 'a', 1),
      options: { ...DEFAULT_MIGRATION_OPTIONS, returnPath: false },
      labels: { id: 1, source: 'a', destination: 'file', channel: 'none', linkBps: 0 },
      owner: silentOwner,
    })
    source.start()
    while (kernel.step());
    expect(source.status).toBe('completed')
    const running = await load(stream.octets())
    expect(Buffer.compare(await savedMemory(running, 0, 1024 * 1024), vm.ram.octets)).toBe(0)
  })

  it('is saved again by QEMU octet for octet', async () => {
    const { ram } = new BareVm()
    const writer = new StreamWriter()
    const ramId = 2 // QEMU's own numbers: the order in which its machine registers sections
    writer.fileHeader()
    writer.configuration('none')
    writer.sectionStart({ sectionId: ramId, ...RAM_SECTION })
    writer.memorySize([{ name: 'ram', octets: 1024 * 1024 }])
    writer.endOfRecords()
    writer.footer(ramId)
    writer.sectionPart(ramId)
    for (let page = 0; page < 256; page++)
      if (page % 5 === 0) writer.page('ram', page * PAGE_OCTETS, ram.octets, page * PAGE_OCTETS)
      else writer.zeroPage('ram', page * PAGE_OCTETS)
    writer.endOfRecords()
    writer.footer(ramId)
    writer.sectionEnd(ramId)
    writer.endOfRecords()
    writer.footer(ramId)
    for (const [sectionId, device] of [
      [0, timer],
      [4, globalState],
    ] as const)
      writer.sectionFull(
        { sectionId, ...device.stateDescription },
        encodeDeviceState(device.stateDescription, device.saveState()),
      )
    writer.endOfState()
    writer.description(
      descriptionText(
        [timer, globalState].map((device) => describeDevice(device.stateDescription, device.saveState())),
      ),
    )
    const ours = writer.take()
    const path = join(folder, 'again.qevm')
    await (await load(ours)).migrateTo(path)
    expect(Buffer.compare(readFileSync(path), ours)).toBe(0)
  })

  it('with one octet of its structure changed is refused by QEMU', async () => {
    const writer = new StreamWriter()
    writer.fileHeader()
    writer.configuration('none')
    writer.sectionStart({ sectionId: 2, ...RAM_SECTION })
    writer.memorySize([{ name: 'ram', octets: 1024 * 1024 }])
    writer.endOfRecords()
    writer.footer(3)
    writer.endOfState()
    await expect(load(writer.take())).rejects.toThrow(/QEMU has gone|failed/)
  })
})

class Watcher extends RamImage {
  readonly devices: string[] = []
  readonly fields = new Map<string, number | null>()
  override deviceSection({ idstr }: SectionHeader, body: Uint8Array, description: DeviceDescription): void {
    this.devices.push(idstr)
    for (const field of observeFields(description, body))
      this.fields.set(`${idstr}.${field.path}`, observedNumber(field))
  }
  override unreadDevices(_octets: Uint8Array, reason: string): void {
    throw new Error(reason)
  }
}

/** Writes 1, 8, 15... into the 64 KiB at 0x80100000, then stays at 0x8000001c. */
const program = Uint32Array.of(
  0x801002b7, // lui t0, 0x80100
  0x00100313, // li t1, 1
  0x801103b7, // lui t2, 0x80110
  0x0062a023, // sw t1, 0(t0)
  0x00730313, // addi t1, t1, 7
  0x00428293, // addi t0, t0, 4
  0xfe729ae3, // bne t0, t2, -12
  0x0000006f, // j .
)

describe('a stream of a real QEMU', () => {
  it('gives its memory and every field of every device', async () => {
    const image = join(folder, 'program.bin')
    writeFileSync(image, program)
    qemu = await QemuProcess.start(['-M', 'virt', '-m', '8M', '-bios', 'none', '-kernel', image])
    const atEnd = async (): Promise<boolean> => {
      const memory = await savedMemory(qemu!, 0x8010_fffc, 4)
      return new DataView(memory.buffer).getUint32(0, true) === 1 + 7 * 16383
    }
    while (!(await atEnd())) await new Promise((resolve) => setTimeout(resolve, 20))
    await qemu.execute('stop')
    const memory = await savedMemory(qemu, 0x8000_0000, 8 * 1024 * 1024)
    const path = join(folder, 'theirs.qevm')
    await qemu.migrateTo(path)

    const seen = new Watcher()
    const reader = new StreamReader(seen, { unknownDevices: 'recover' })
    const stream = readFileSync(path)
    for (let at = 0; at < stream.length; at += 10_000) reader.push(stream.subarray(at, at + 10_000))
    reader.end()
    expect(reader.stateComplete).toBe(true)
    const block = seen.blocks.find(({ name }) => name === 'riscv_virt_board.ram')!
    expect(block.pagesRecovered).toBe(2048)
    expect(Buffer.compare(block.assemble(), memory)).toBe(0)
    expect(seen.devices).toContain('serial')
    expect(seen.fields.get('cpu.env.pc')).toBe(0x8000_001c)
    expect(seen.fields.get('cpu.env.gpr[5]')).toBe(0x8011_0000)
    expect(seen.fields.get('cpu.env.gpr[6]')).toBe(1 + 7 * 16384)
  })
})
