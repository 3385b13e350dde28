/** The attacker's captures of whole sessions, read by the real tshark. */
import { describe, expect, it } from 'vitest'
import { readGuestImage } from '../../../cli/guest-images.js'
import { readLabs } from '../../../cli/lab-files.js'
import { scenarioOf } from '../../../core/lab/lab-schema.js'
import { playSolution } from '../../../core/lab/play-solution.js'
import { channelNames } from '../../../core/session/scenario.js'
import { Session } from '../../../core/session/session.js'
import { bootedSession, migrateToEnd } from '../../support/lab-session.js'
import { tsharkFields } from '../../support/tshark.js'

const bad =
  '_ws.malformed || tcp.analysis.flags && !tcp.analysis.window_update || ip.checksum.status == "Bad" || tcp.checksum.status == "Bad" || icmp.checksum.status == "Bad"'

describe.each(readLabs())('the solution of lab $id', (lab) => {
  it('leaves a capture in which tshark finds nothing wrong', () => {
    const scenario = scenarioOf(lab)
    const session = new Session({ scenario, seed: 'tshark', image: readGuestImage(scenario.guest.image) })
    playSolution(lab, session)
    const capture = session.world.rack.tap.toPcapng()
    const options = { decodeAs: ['tcp.port==49152,data'] }
    expect(tsharkFields(capture, ['frame.number', '_ws.col.Info'], { ...options, filter: bad })).toEqual([])
  })
})

describe.each(channelNames)('a move over %s and back', (channel) => {
  const session = bootedSession({ migration: { channel } })
  migrateToEnd(session)
  migrateToEnd(session)
  const capture = session.world.rack.tap.toPcapng()
  // Clear guest memory must not be guessed at; SSH is recognised by its port.
  const options = { decodeAs: ['tcp.port==49152,data'] }

  it('has no malformed frame, wrong checksum, or TCP event that did not happen', () => {
    // tshark 4.0 dissects what it could not open under aes256-gcm, in captures of OpenSSH's own sessions too.
    const filter = channel === 'ssh-aes-gcm' ? bad.replace('_ws.malformed', '(_ws.malformed && !ssh)') : bad
    expect(tsharkFields(capture, ['frame.number', '_ws.col.Info'], { ...options, filter })).toEqual([])
  })

  it('has as many frames as the tap counted, with the tap’s times', () => {
    const frames = tsharkFields(capture, ['frame.number', 'frame.time_epoch'], options)
    const { tap } = session.world.rack
    expect(frames).toHaveLength(tap.lastPacket)
    const last = frames.at(-1)!
    expect(Math.round(Number(last['frame.time_epoch']) * 1e6)).toBe(Math.round((tap.timeNs(tap.lastPacket) ?? 0) / 1e3))
  })

  it('shows the guest’s announcement from its new host, and the probes', () => {
    expect(
      tsharkFields(capture, ['frame.number'], { ...options, filter: 'eth.type == 0x8035' }).length,
    ).toBeGreaterThanOrEqual(3)
    expect(tsharkFields(capture, ['frame.number'], { ...options, filter: 'icmp.type == 0' }).length).toBeGreaterThan(20)
  })

  if (channel === 'ssh')
    it('is SSH by name: versions, key exchange, new keys, encrypted packets', () => {
      const protocols = tsharkFields(capture, ['ssh.protocol'], { filter: 'ssh.protocol' }).map(
        (row) => row['ssh.protocol'],
      )
      expect(protocols.filter((text) => text.startsWith('SSH-2.0-Midstream'))).toHaveLength(4)
      const codes = tsharkFields(capture, ['ssh.message_code'], { filter: 'ssh.message_code' }).flatMap((row) =>
        row['ssh.message_code'].split(','),
      )
      for (const code of ['20', '30', '31', '21']) expect(codes).toContain(code)
    })
})
