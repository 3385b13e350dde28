import { describe, expect, it } from 'vitest'
import { Stations } from '../../../../core/attack/traffic/stations.js'
import { encodeRarpAnnouncement } from '../../../../core/net/wire/arp.js'
import { parseMac } from '../../../../core/net/wire/addresses.js'

const guest = parseMac('52:54:00:12:34:56')

function frameFrom(last: number): Uint8Array {
  const frame = new Uint8Array(60)
  frame.set([0x52, 0x54, 0, 0x12, 0x34, last], 6)
  frame[12] = 0x08
  return frame
}

describe('Stations', () => {
  it('hears a guest fall silent and be announced elsewhere', () => {
    const stations = new Stations()
    for (let ms = 0; ms <= 100; ms += 2) stations.add(frameFrom(0x56), ms * 1e6)
    for (let ms = 0; ms <= 200; ms++) stations.add(frameFrom(0x99), ms * 1e6)
    stations.add(encodeRarpAnnouncement(guest), 130e6)
    stations.add(frameFrom(0x56), 131e6)
    // Its last frame at 100 ms, and half of the 2 ms that lie between two.
    expect(stations.silence(50e6, 200e6)).toEqual({ mac: guest, stoppedNs: 101e6, resumedNs: 130e6 })
    expect(stations.silence(140e6, 200e6)).toBeNull()
  })

  it('knows of a guest that never sent a frame only where it is now', () => {
    const stations = new Stations()
    stations.add(encodeRarpAnnouncement(guest), 5e6)
    expect(stations.silence(0, 10e6)).toEqual({ mac: guest, stoppedNs: null, resumedNs: 5e6 })
  })

  it('passes over frames that are cut', () => {
    const stations = new Stations()
    for (let length = 0; length < 60; length++) stations.add(encodeRarpAnnouncement(guest).subarray(0, length), 1)
    expect(stations.silence(0, 0)).toBeNull()
  })
})
