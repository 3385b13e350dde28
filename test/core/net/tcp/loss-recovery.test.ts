import { describe, expect, it } from 'vitest'
import { LossRecovery } from '../../../../core/net/tcp/loss-recovery.js'

const MSS = 1000
const ISS = 2 ** 32 - 5000
const at = (octets: number): number => (ISS + octets) >>> 0

/** Twenty segments outstanding, wherever numbers wrap around. */
const space = { sndUna: at(0), sndNxt: at(20 * MSS), sndMax: at(20 * MSS), sndMss: MSS }
const block = (from: number, to: number) => ({ left: at(from * MSS), right: at(to * MSS) })

describe('LossRecovery', () => {
  it('counts what is in the network (RFC 6675, SetPipe)', () => {
    const recovery = new LossRecovery(at(-1))
    expect(recovery.pipeOctets(space)).toBe(20 * MSS)
    recovery.update([block(5, 6)], space)
    expect(recovery.pipeOctets(space)).toBe(19 * MSS) // one arrived, nothing is known to be lost
    recovery.update([block(5, 7)], space)
    expect(recovery.duplicate(space, true, 20 * MSS)).toBe(false)
    recovery.update([block(5, 8)], space)
    // More than two segments arrived after the first five: these are lost.
    expect(recovery.pipeOctets(space)).toBe(12 * MSS)
    expect(recovery.duplicate(space, true, 20 * MSS)).toBe(true)
    recovery.sentAgain(at(MSS))
    expect(recovery.pipeOctets(space)).toBe(13 * MSS)
  })

  it('chooses what goes next: what is lost, what may be lost, once the last (RFC 6675, NextSeg)', () => {
    const recovery = new LossRecovery(at(-1))
    recovery.update([block(4, 5), block(2, 3), block(7, 8), block(10, 11)], space)
    recovery.duplicate(space, true, 20 * MSS)
    const lost: number[] = []
    for (let next = recovery.nextLost(space); next !== null; next = recovery.nextLost(space)) {
      lost.push((next - ISS) / MSS)
      recovery.sentAgain((next + MSS) >>> 0)
    }
    expect(lost.map((index) => (index + 2 ** 32 / MSS) % (2 ** 32 / MSS))).toEqual([0, 1, 3])
    expect(recovery.nextDoubtful()).toBe(at(5 * MSS))
    recovery.sentAgain(at(10 * MSS))
    expect(recovery.nextDoubtful()).toBeNull()
    expect(recovery.nextRescue(space)).toBe(at(19 * MSS))
    expect(recovery.nextRescue(space)).toBeNull()
  })

  it('does not believe blocks of what was never sent, is acknowledged, or lies on the other side of the circle', () => {
    const recovery = new LossRecovery(at(-1))
    const lies = [block(19, 21), block(-3, -1), block(-1, 2), block(0, 2), block(5, 5), block(6, 5)]
    lies.push({ left: at(2 ** 31 - 1), right: at(2 ** 31 + 1459) }, { left: at(5 * MSS), right: at(2 ** 31 + 5 * MSS) })
    expect(recovery.update(lies, space)).toBe(false)
    expect(recovery.scoreboard.length).toBe(0)
  })

  it('forgets what it was told when that cannot be true after a timeout (RFC 2018 §8)', () => {
    const recovery = new LossRecovery(at(-1))
    recovery.update([block(3, 6)], space)
    recovery.timedOut(space, true)
    expect(recovery.scoreboard.octets).toBe(3 * MSS)
    const later = { ...space, sndUna: at(3 * MSS) }
    recovery.acknowledged(3 * MSS, later)
    recovery.timedOut(later, true) // it holds what it does not acknowledge
    expect(recovery.scoreboard.length).toBe(0)
    recovery.update([block(5, 6)], later)
    recovery.timedOut(later, false)
    expect(recovery.scoreboard.length).toBe(0)
  })
})
