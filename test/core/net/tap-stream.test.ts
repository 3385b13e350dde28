import { describe, expect, it } from 'vitest'
import { concatOctets } from '../../../core/base/octets.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { Tap } from '../../../core/net/tap.js'
import { TapStream } from '../../../core/net/tap-stream.js'
import { CaptureReader } from '../../../core/net/wire/capture-reader.js'

function packetsOf(octets: Uint8Array): number[] {
  const reader = new CaptureReader(octets)
  const first: number[] = []
  for (let packet = reader.next(); packet !== null; packet = reader.next()) first.push(packet.octets[0] ?? -1)
  expect(reader.warnings).toEqual([])
  return first
}

describe('TapStream', () => {
  it('gives what came since, in pieces, as one file', () => {
    const tap = new Tap(new Kernel('stream'), 'mirror')
    const stream = new TapStream(tap)
    const parts = [stream.take()]
    for (let index = 0; index < 5; index++) tap.receiveFrame(new Uint8Array(60).fill(index))
    parts.push(stream.take(100))
    expect(stream.isBehind).toBe(true)
    parts.push(stream.take())
    expect(stream.isBehind).toBe(false)
    expect(stream.take()).toHaveLength(0)
    tap.receiveFrame(new Uint8Array(60).fill(5))
    parts.push(stream.take(), stream.finish())
    const whole = concatOctets(parts)
    expect(packetsOf(whole)).toEqual([0, 1, 2, 3, 4, 5])
    expect(whole).toEqual(tap.toPcapng())
  })

  it('goes on behind frames that the tap had to drop', () => {
    const tap = new Tap(new Kernel('stream'), 'mirror', { octetsMax: 700_000 })
    const stream = new TapStream(tap)
    tap.receiveFrame(new Uint8Array(60).fill(1))
    expect(packetsOf(stream.take())).toEqual([1])
    for (let index = 0; index < 20_000; index++) tap.receiveFrame(new Uint8Array(60).fill(2))
    expect(tap.framesDropped).toBeGreaterThan(1)
    const rest = new TapStream(tap).take()
    expect(packetsOf(rest)).toHaveLength(20_001 - tap.framesDropped)
    stream.take()
    expect(stream.isBehind).toBe(false)
  })
})
