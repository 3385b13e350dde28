import { describe, expect, it } from 'vitest'
import { milliseconds } from '../../../core/base/units.js'
import { parseIpv4 } from '../../../core/net/wire/addresses.js'
import { channelNames } from '../../../core/session/scenario.js'
import { Session } from '../../../core/session/session.js'
import { bootedSession, migrateToEnd, smallSession } from '../../support/lab-session.js'
import { says } from '../../support/operator-says.js'

describe('the operator’s shell', () => {
  it('boots, stops, resumes and lists the guest', () => {
    const session = smallSession()
    expect(says(session, 'operator', 'virsh list --all')).toMatch(/web +- +shut off/)
    expect(says(session, 'operator', 'virsh start web')).toBe("Domain 'web' started")
    expect(says(session, 'operator', 'virsh start web')).toBe('error: Domain is already active')
    expect(says(session, 'operator', 'virsh suspend web')).toContain('suspended')
    expect(says(session, 'operator', 'virsh list')).toMatch(/1 +web +host-a +paused/)
    expect(says(session, 'operator', 'info status')).toBe('VM status: paused')
    expect(says(session, 'operator', 'virsh resume web')).toContain('resumed')
    expect(says(session, 'operator', 'virsh dominfo web')).toContain('Max memory:     4096 KiB')
  })

  it('helps with the names of its own guest and hosts, in columns', () => {
    const { parts } = smallSession()
    const guest = { ...parts.scenario.guest, name: 'kv' }
    const session = new Session({ ...parts, scenario: { ...parts.scenario, guest } })
    const lines = says(session, 'operator', 'help').split('\n')
    const columns = ['what runs where', 'boot the guest on host-a', 'stop it, let it go on', 'how far it is'].map(
      (meaning) => lines.find((line) => line.endsWith(meaning))?.indexOf(meaning),
    )
    expect(columns).toEqual([42, 42, 42, 42])
    expect(lines).toContain(`  virsh domjobinfo kv${' '.repeat(21)}how far it is`)
  })

  it('migrates, shows how far it is, and gives up', () => {
    const session = bootedSession()
    expect(says(session, 'operator', 'virsh domjobinfo web').trimEnd()).toBe('Job type:         None')
    expect(says(session, 'operator', 'virsh migrate --live web host-b --channel nacl')).toBe('')
    session.runFor(milliseconds(3))
    expect(says(session, 'operator', 'virsh suspend web')).toContain('web is being migrated: wait')
    expect(says(session, 'operator', 'info migrate')).toMatch(/Migration status: (setup|active)/)
    expect(session.world.crossing?.parts.channel).toBe('nacl')
    expect(session.world.guestDesk.migrationSettings.channel).toBe('none')
    expect(says(session, 'operator', 'migrate_cancel')).toContain(
      'error: operation aborted: migration out job: canceled by client',
    )
    expect(says(session, 'operator', 'info migrate')).toContain('Migration status: cancelled')
    expect(says(session, 'operator', 'virsh domjobabort web')).toBe(
      'error: Requested operation is not valid: no job is active on the domain',
    )
  })

  it('takes limits, and refuses what is out of bounds', () => {
    const session = smallSession()
    says(session, 'operator', 'virsh migrate-setmaxdowntime web 50ms')
    says(session, 'operator', 'virsh migrate-setspeed web 8MiB/s')
    expect(session.world.guestDesk.migrationSettings).toMatchObject({
      downtimeLimitNs: 50e6,
      maxBandwidth: 8 * 1024 ** 2,
    })
    expect(says(session, 'operator', 'virsh migrate-setspeed web 1B/s')).toContain('max bandwidth: 1 octets a second')
    expect(says(session, 'operator', 'virsh migrate web --channel smoke')).toBe(
      `error: invalid argument: smoke is not a channel: ${channelNames.join(', ')}`,
    )
    for (const line of ['virsh', 'virsh fly', 'info', 'make tea', 'virsh dominfo db', 'virsh migrate web --fast'])
      expect(says(session, 'operator', line)).not.toBe('')
  })
})

describe('the attacker’s shell', () => {
  it('has nothing before anything was captured', () => {
    const session = smallSession()
    expect(says(session, 'attacker', 'tcpdump')).toBe('Nothing was captured yet.')
    expect(says(session, 'attacker', 'streams')).toBe('No conversation was captured yet.')
    expect(says(session, 'attacker', 'search')).toContain('there is nothing to search')
  })

  it('shows packets, conversations, findings and memory of a clear migration', () => {
    const session = bootedSession()
    migrateToEnd(session)
    expect(says(session, 'attacker', 'tcpdump -c 3').split('\n')).toHaveLength(3)
    expect(says(session, 'attacker', 'streams')).toMatch(/^1 +qevm +10\.0\.0\.1:\d+ > 10\.0\.0\.2:49152/)
    const found = says(session, 'attacker', 'search')
    const root = session.planted
      .find(({ name, kind }) => kind === 'password-hash' && name === 'root')!
      .value.slice(0, 40)
    expect(found).toContain('1024 pages of guest memory rebuilt')
    expect(found).toContain(root)
    const lines = found.split('\n')
    const line = lines[lines.findIndex((each) => each.includes(root)) - 1]!
    const [number, address] = [/^ *(\d+)/.exec(line)?.[1], /0x[0-9a-f]+/.exec(line)?.[0]]
    expect(says(session, 'attacker', `show ${number}`)).toContain(`at ${address}`)
    expect(says(session, 'attacker', `page ${address}`)).toMatch(/^8[0-9a-f]{7} {2}([0-9a-f]{2} ){7}/)
  })

  it('refuses numbers and addresses that are none', () => {
    const session = smallSession()
    for (const line of ['tcpdump -c 0', 'tcpdump -c x', 'show 1', 'page 12', 'page 0x0', 'rm -rf /'])
      expect(says(session, 'attacker', line)).not.toBe('')
  })

  it('sends a frame in whatever words, as often as it is told', () => {
    const session = smallSession()
    session.do({ kind: 'place-attacker', position: 'access' })
    const forged = 'Ether()/ARP(psrc="10.0.0.2", pdst="10.0.0.1")'
    expect(says(session, 'attacker', `sendp ${forged} count=3 inter=0.01`)).toContain('job 1 runs')
    session.runFor(milliseconds(50))
    expect(session.world.attacker.framesSent).toBe(3)
    expect(session.world.rack.hostA.stack.arp.macOf(parseIpv4('10.0.0.2'))).toBe(session.world.attacker.mac)
    expect(says(session, 'attacker', 'sendp Ether()/ARP(op=2)')).toContain('pdst')
    for (const line of [
      'sendp',
      `sendp ${forged} count=0`,
      `sendp ${forged} inter=x`,
      'slowloris host-b',
      'slowloris -n 0 host-b',
    ])
      expect(says(session, 'attacker', line)).not.toContain('runs')
  })
})
