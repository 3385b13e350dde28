import { describe, expect, it } from 'vitest'
import { PAGE_OCTETS } from '../../../core/base/units.js'
import { HostCores } from '../../../core/kernel/cores.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { DEFAULT_MIGRATION_OPTIONS } from '../../../core/migration/migration.js'
import { PageEncoder } from '../../../core/migration/page-encoder.js'
import { MigrationCounters } from '../../../core/migration/statistics.js'
import { RamImage } from '../../../core/migration/wire/ram-image.js'
import { StreamReader } from '../../../core/migration/wire/stream-reader.js'
import { StreamWriter } from '../../../core/migration/wire/stream-writer.js'
import { ToyMemory } from '../../support/toy-vm.js'

const BLOCK = 'toy.ram'

/** An encoder of one page past its first round, and somebody who reads what it writes. */
function encoding() {
  const memory = new ToyMemory(1)
  const writer = new StreamWriter()
  writer.fileHeader()
  writer.configuration('toy')
  writer.sectionStart({ sectionId: 2, idstr: 'ram', instanceId: 0, version: 4 })
  writer.memorySize([{ name: BLOCK, octets: PAGE_OCTETS }])
  const counters = new MigrationCounters(PAGE_OCTETS)
  const options = { ...DEFAULT_MIGRATION_OPTIONS, xbzrle: true }
  const cores = new HostCores(new Kernel('encoder'), 'a', 1)
  const encoder = new PageEncoder(writer, counters, options, cores, null, null)
  encoder.firstRoundDone()
  const image = new RamImage()
  const reader = new StreamReader(image, { unknownDevices: 'recover' })
  const send = (fill: (octets: Uint8Array) => void): Uint8Array => {
    fill(memory.octets)
    encoder.send({ name: BLOCK, memory }, 0, 0)
    reader.push(writer.take())
    return image.blocks[0]!.assemble()
  }
  return { memory, counts: counters.counts, send }
}

describe('a page sent again as a difference', () => {
  it('is what the source has, though it was zero in between', () => {
    const { memory, counts, send } = encoding()
    expect(send((octets) => octets.fill(1))).toEqual(memory.octets)
    expect(send((octets) => octets.fill(0))).toEqual(memory.octets)
    expect(send((octets) => octets.fill(7, 100, 200))).toEqual(memory.octets)
    expect(send((octets) => octets.fill(8, 150, 250))).toEqual(memory.octets)
    expect(counts).toMatchObject({ normal: 1, duplicate: 1, xbzrle: { pages: 2, cacheMiss: 1 } })
  })
})
