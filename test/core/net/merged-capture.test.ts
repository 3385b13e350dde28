import { describe, expect, it } from 'vitest'
import { CaptureFileSource } from '../../../core/capture/frame-source.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { mergedCapture } from '../../../core/net/merged-capture.js'
import { Tap } from '../../../core/net/tap.js'

describe('mergedCapture', () => {
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

  it('is a capture of nothing when there are no taps', () => {
    expect(new CaptureFileSource(mergedCapture([])).lastPacket).toBe(0)
  })
})
