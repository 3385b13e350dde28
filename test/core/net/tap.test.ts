import { describe, expect, it } from 'vitest'
import { copyGraph } from '../../../core/base/snapshot.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { Tap } from '../../../core/net/tap.js'
import { CaptureReader } from '../../../core/net/wire/capture-reader.js'

function tapWith(frames: number, octetsMax?: number) {
  const kernel = new Kernel('tap')
  const tap = new Tap(kernel, 'mirror', octetsMax === undefined ? {} : { octetsMax })
  for (let index = 1; index <= frames; index++) {
    kernel.runUntil(index * 100)
    tap.receiveFrame(new Uint8Array(72).fill(index))
  }
  return { kernel, tap }
}

describe('Tap', () => {
  it('keeps frames with their times and comments, and writes pcapng', () => {
    const { tap } = tapWith(3)
    tap.addComment(2, 'the one')
    const reader = new CaptureReader(tap.toPcapng())
    const packets = [reader.next(), reader.next(), reader.next()]
    expect(packets.map((packet) => [packet?.timeNs, packet?.octets[0], packet?.comment])).toEqual([
      [0, 1, null],
      [100, 2, 'the one'],
      [200, 3, null],
    ])
    expect(reader.startNs).toBe(100n)
    expect(reader.interfaces[0]?.name).toBe('mirror')
  })

  it('drops the oldest beyond its limit, and says so', () => {
    const { tap } = tapWith(20_000, 1024 ** 2)
    const { framesDropped, firstPacket } = tap
    expect(framesDropped).toBeGreaterThan(5000)
    expect([firstPacket, tap.lastPacket]).toEqual([framesDropped + 1, 20_000])
    // What is kept has not more than a chunk less than there is room for.
    expect((20_000 - framesDropped) * 72).toBeGreaterThan(1024 ** 2 / 2)
    expect(tap.frame(firstPacket - 1)).toBeUndefined()
    expect(tap.frame(firstPacket)?.[0]).toBe(firstPacket % 256)
    expect(tap.timeNs(20_000)).toBe(2_000_000)
    expect(tap.frame(20_001)).toBeUndefined()
  })

  it('shares frames with its copies, which go on by themselves', () => {
    const { kernel, tap } = tapWith(2)
    const copy = copyGraph({ kernel, tap })
    copy.tap.receiveFrame(new Uint8Array(60))
    expect([tap.lastPacket, copy.tap.lastPacket]).toEqual([2, 3])
    expect(copy.tap.frame(1)).toEqual(tap.frame(1))
    copy.kernel.runUntil(9999)
    copy.tap.receiveFrame(new Uint8Array(60))
    expect(copy.tap.timeNs(4)).toBe(9999)
  })
})
