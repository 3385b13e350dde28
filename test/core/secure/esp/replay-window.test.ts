import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { REPLAY_WINDOW_PACKETS, ReplayWindow } from '../../../../core/secure/esp/replay-window.js'

describe('the anti-replay window', () => {
  it('takes each number once, and none that is too old, whatever the order', () => {
    const steps = fc.array(
      fc.oneof(fc.integer({ min: -70, max: 70 }), fc.constantFrom(-64, -63, -32, -31, 31, 32, 33)),
      {
        maxLength: 200,
      },
    )
    fc.assert(
      fc.property(steps, (offsets) => {
        const window = new ReplayWindow()
        const taken = new Set<number>()
        let highest = 0
        for (const offset of offsets) {
          const sequence = Math.max(0, highest + offset)
          const refusal = window.refusal(sequence)
          if (sequence === 0) expect(refusal).toBe('sequence number 0 is never sent')
          else if (highest - sequence >= REPLAY_WINDOW_PACKETS)
            expect(refusal).toContain('left of the anti-replay window')
          else expect(refusal).toBe(taken.has(sequence) ? 'replayed' : null)
          if (refusal !== null) continue
          window.take(sequence)
          taken.add(sequence)
          highest = Math.max(highest, sequence)
        }
      }),
    )
  })

  it('goes to the last number of 32 bits', () => {
    const window = new ReplayWindow()
    window.take(0xffff_fff0)
    expect(window.refusal(0xffff_ffff)).toBeNull()
    window.take(0xffff_ffff)
    expect(window.refusal(0xffff_fff0)).toBe('replayed')
    expect(window.refusal(0xffff_fff1)).toBeNull()
  })
})
