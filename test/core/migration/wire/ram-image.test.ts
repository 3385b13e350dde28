import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../../../core/base/errors.js'
import { octetsOfHex } from '../../../../core/base/octets.js'
import { RamImage } from '../../../../core/migration/wire/ram-image.js'
import { observeFields, observedNumber } from '../../../../core/migration/wire/observed-fields.js'
import type { SectionHeader } from '../../../../core/migration/wire/qevm.js'
import { StreamReader } from '../../../../core/migration/wire/stream-reader.js'
import type { DeviceDescription } from '../../../../core/migration/wire/vmdesc.js'

const sha256 = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex')

class Watcher extends RamImage {
  readonly devices: string[] = []
  readonly fields = new Map<string, number | null>()
  machine = ''
  override configuration(machineType: string): void {
    this.machine = machineType
  }
  override deviceSection({ idstr }: SectionHeader, body: Uint8Array, description: DeviceDescription): void {
    this.devices.push(idstr)
    for (const field of observeFields(description, body))
      this.fields.set(`${idstr}.${field.path}`, observedNumber(field))
  }
}

describe('RamImage', () => {
  it('rebuilds the memory of a real QEMU from its stream', () => {
    const folder = new URL('../../../fixtures/captures/', import.meta.url)
    const stream = gunzipSync(readFileSync(new URL('a_plain.qevm.gz', folder)))
    const truth = JSON.parse(readFileSync(new URL('a_plain.json', folder), 'utf8')) as {
      final_ram_sha256: string
      query_migrate: { ram: { duplicate: number; normal: number } }
      rounds: { sent: { ZERO?: number; PAGE?: number } }[]
    }
    const image = new Watcher()
    const reader = new StreamReader(image, { unknownDevices: 'recover' })
    for (let at = 0; at < stream.length; at += 1448) reader.push(stream.subarray(at, at + 1448))
    reader.end()
    expect(reader.stateComplete).toBe(true)
    expect(image.machine).toBe('virt')
    expect(image.blocks.map(({ name, octets, pagesRecovered }) => [name, octets, pagesRecovered])).toEqual([
      ['virt.flash0', 33554432, 8192],
      ['virt.flash1', 33554432, 8192],
      ['riscv_virt_board.ram', 8388608, 2048],
      ['riscv_virt_board.mrom', 61440, 15],
    ])
    expect(sha256(image.blocks[2]!.assemble())).toBe(truth.final_ram_sha256)
    // Rounds without a page leave nothing in the stream.
    const sent = truth.rounds.filter(({ sent }) => sent.PAGE !== undefined)
    expect(image.rounds.map(({ zero, normal }) => ({ zero, normal }))).toEqual(
      sent.map(({ sent: { ZERO, PAGE } }) => ({ zero: ZERO ?? 0, normal: PAGE })),
    )
    expect(image.devices).toEqual([
      ...['timer', 'cpu_common', 'cpu', 'riscv_mtimer', 'riscv_sifive_plic', '0000:00:00.0/gpex_root', 'PCIHost'],
      ...['PCIBUS', 'serial', 'goldfish_rtc', 'pflash_cfi01', 'pflash_cfi01', 'fw_cfg', 'globalstate'],
    ])
    const pc = image.fields.get('cpu.env.pc')!
    expect(pc >= 0x8000_0000 && pc < 0x8080_0000).toBe(true)
    expect(image.fields.get('globalstate.size')).toBe('running'.length + 1)
    expect(image.fields.has('cpu.cpu/pmp: env.pmp_state.pmp[15].cfg_reg')).toBe(true)
  })

  it('keeps the last of several records, and counts them', () => {
    const image = new RamImage()
    image.memorySize([{ name: 'ram', octets: 4 * 4096 }])
    const [block] = image.blocks
    image.page(0, 0, new Uint8Array(4096).fill(1))
    image.filledPage(0, 4096, 0)
    image.page(0, 8192, new Uint8Array(4096).fill(3))
    image.page(0, 0, new Uint8Array(4096).fill(2))
    image.xbzrlePage(0, 4096, octetsOfHex('05 01 aa'))
    image.filledPage(0, 8192, 0)
    image.xbzrlePage(0, 12288, octetsOfHex('05 01 aa'))
    expect(image.rounds.map(({ zero, normal, xbzrle }) => [zero, normal, xbzrle])).toEqual([
      [1, 2, 0],
      [1, 1, 2],
    ])
    expect(block!.page(0)).toEqual(new Uint8Array(4096).fill(2))
    expect(block!.page(1)!.indexOf(0xaa)).toBe(5)
    expect(block!.page(2)).toBeNull()
    expect([0, 1, 2, 3].map((page) => block!.kind(page))).toEqual(['normal', 'xbzrle', 'zero', 'delta'])
    expect(block!.recordCount(0)).toBe(2)
    expect(block!.pagesRecovered).toBe(3)
    image.page(0, 12288, new Uint8Array(4096).fill(4))
    expect(block!.pagesRecovered).toBe(4)
    expect(block!.assemble().subarray(12288)).toEqual(new Uint8Array(4096).fill(4))
  })

  it('begins a round where the sender goes back, and at the end section', () => {
    const image = new RamImage()
    image.memorySize([
      { name: 'a', octets: 8192 },
      { name: 'b', octets: 8192 },
    ])
    for (const [block, page] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
      [0, 1],
      [1, 0],
      [1, 0],
    ] as const)
      image.filledPage(block, page * 4096, 0)
    image.sectionEnd(2)
    image.filledPage(1, 4096, 0)
    image.filledPage(0, 0, 0)
    expect(image.rounds.map(({ zero }) => zero)).toEqual([4, 2, 1, 2])
  })

  it('does not make tables for memory that nobody has', () => {
    expect(() => new RamImage().memorySize([{ name: 'ram', octets: 2 ** 45 }])).toThrow(WireError)
  })
})
