import { describe, expect, it } from 'vitest'
import { concatOctets } from '../../../core/base/octets.js'
import { CaptureFileSource } from '../../../core/capture/frame-source.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { mergedCapture, MergedTapStream } from '../../../core/net/merged-tap-stream.js'
import { Tap } from '../../../core/net/tap.js'

describe('MergedTapStream', () => {
  it('puts the frames of all taps in the order of time, those of one instant in the order of the taps', () => {
    const kernel = new Kernel('merge')
    const taps = ['left', 'right', 'idle'].map((name) => new Tap(kernel, name))
    const [left, right] = taps
    const frameOf = (number: number): Uint8Array => new Uint8Array(60).fill(number)
    right?.record(frameOf(1))
    kernel.runUntil(5)
    right?.record(frameOf(3))
    left?.record(frameOf(2))
    left?.addComment(1, 'the second')
    kernel.runUntil(9)
    left?.record(frameOf(4))
    const source = new CaptureFileSource(mergedCapture(taps))
    const packets = [1, 2, 3, 4].map((packet) => [
      source.frame(packet)?.[0],
      source.timeNs(packet),
      source.interfaceName(packet),
      source.comment(packet),
    ])
    expect(packets).toEqual([
      [1, 0, 'right', undefined],
      [2, 5, 'left', 'the second'],
      [3, 5, 'right', undefined],
      [4, 9, 'left', undefined],
    ])
    expect(source.lastPacket).toBe(4)
    expect(source.warnings).toEqual([])
  })

  it('gives what came since, without what a tap had to drop meanwhile', () => {
    const kernel = new Kernel('merge')
    const [small, large] = [new Tap(kernel, 'small', { octetsMax: 1 }), new Tap(kernel, 'large')]
    const stream = new MergedTapStream([small, large])
    const parts = [stream.take()]
    let expected = 0
    for (let round = 1; round <= 3; round++) {
      const before = small.lastPacket
      // More than one chunk of the small tap, which keeps only the last.
      for (let count = 0; count < 5000; count++) small.record(new Uint8Array(60))
      large.record(new Uint8Array(60))
      expected += 1 + small.lastPacket - Math.max(before, small.framesDropped)
      parts.push(stream.take(100), stream.take())
      expect(stream.take()).toHaveLength(0)
    }
    parts.push(stream.finish())
    const source = new CaptureFileSource(concatOctets(parts))
    expect(small.framesDropped).toBeGreaterThan(5000)
    expect(source.lastPacket).toBe(expected)
    expect(source.warnings).toEqual([])
  })

  it('is a capture of nothing when there are no taps', () => {
    expect(new CaptureFileSource(mergedCapture([])).lastPacket).toBe(0)
  })
})
