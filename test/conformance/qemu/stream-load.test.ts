import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { PAGE_OCTETS } from '../../../core/base/units.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { encodeDeviceState } from '../../../core/migration/wire/device-codec.js'
import { observeFields, observedNumber } from '../../../core/migration/wire/observed-fields.js'
import { RAM_SECTION, type SectionHeader } from '../../../core/migration/wire/qevm.js'
import { RamImage } from '../../../core/migration/wire/ram-image.js'
import { StreamReader } from '../../../core/migration/wire/stream-reader.js'
import { StreamWriter } from '../../../core/migration/wire/stream-writer.js'
import { describeDevice, descriptionText, type DeviceDescription } from '../../../core/migration/wire/vmdesc.js'
import { NoneGuest } from '../../support/none-guest.js'
import { streamOf } from '../../support/saved-machine.js'
import { QemuProcess, requireQemu } from './qemu-process.js'

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
    const vm = new NoneGuest(new Kernel('none'))
    const running = await load(streamOf(vm))
    expect(Buffer.compare(await savedMemory(running, 0, 1024 * 1024), vm.ram.octets)).toBe(0)
  })

  it('is saved again by QEMU octet for octet', async () => {
    const { ram, devices } = new NoneGuest(new Kernel('again'))
    const [timer, globalState] = devices
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
      if (ram.isZero(page)) writer.zeroPage('ram', page * PAGE_OCTETS)
      else writer.page('ram', page * PAGE_OCTETS, ram.octets, page * PAGE_OCTETS)
    writer.endOfRecords()
    writer.footer(ramId)
    writer.sectionEnd(ramId)
    writer.endOfRecords()
    writer.footer(ramId)
    for (const [sectionId, device] of [
      [0, timer!],
      [4, globalState!],
    ] as const)
      writer.sectionFull(
        { sectionId, ...device.stateDescription },
        encodeDeviceState(device.stateDescription, device.saveState()),
      )
    writer.endOfState()
    writer.description(
      descriptionText(devices.map((device) => describeDevice(device.stateDescription, device.saveState()))),
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
