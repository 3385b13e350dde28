import { describe, expect, it } from 'vitest'
import { CaptureIndex } from '../../../core/capture/capture-index.js'
import { DisplayFilter } from '../../../core/capture/filter/display-filter.js'
import { CaptureFileSource } from '../../../core/capture/frame-source.js'
import { readCapture } from '../../support/captures.js'

describe("QEMU's post-copy, dissected", () => {
  const index = new CaptureIndex(new CaptureFileSource(readCapture('a_postcopy')))
  index.update()
  const packets = (filter: string): number => new DisplayFilter(index, filter).matchRange(1, index.lastPacket).length

  it.each([
    ['qevm.advise.block_pages == 4096', 1],
    ['qevm.discard.length >= 4096', 1],
    ['qevm.package.command == "POSTCOPY_LISTEN"', 1],
    ['qevm.package.command == "POSTCOPY_RUN"', 1],
    ['qevm.device == "riscv_sifive_plic"', 1],
    ['qevm_rp.type == 3', 1],
  ])('%s: in %i packets', (filter, count) => {
    expect(packets(filter)).toBe(count)
  })
})
