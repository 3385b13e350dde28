import { describe, expect, it } from 'vitest'
import { milliseconds, seconds } from '../../../core/base/units.js'
import { CaptureIndex } from '../../../core/capture/capture-index.js'
import { DisplayFilter } from '../../../core/capture/filter/display-filter.js'
import { summarisePacket } from '../../../core/capture/packet-summary.js'
import { hypervisorNames, type HypervisorName } from '../../../core/hypervisor/profiles/hypervisor-profile.js'
import { profiles } from '../../../core/hypervisor/profiles/profiles.js'
import type { MigrationScenario } from '../../../core/session/scenario.js'
import { Session } from '../../../core/session/session.js'
import { FrameList } from '../../support/frame-list.js'
import { smallSession } from '../../support/lab-session.js'
import { says } from '../../support/operator-says.js'

function sessionWith(
  profile: HypervisorName,
  migration: Partial<MigrationScenario> = {},
  upNs = seconds(1.5),
): Session {
  const { parts } = smallSession()
  const { defaults, channel } = profiles[profile]
  const settings = { ...parts.scenario.migration, ...defaults, channel, ...migration }
  const session = new Session({ ...parts, scenario: { ...parts.scenario, profile, migration: settings } })
  session.do({ kind: 'boot' })
  session.runFor(upNs)
  return session
}

function moved(session: Session): Session {
  session.do({ kind: 'migrate' })
  session.runWhile(({ isMigrating }) => isMigrating, seconds(30))
  session.runFor(seconds(0.1))
  return session
}

describe('a rack of any hypervisor', () => {
  it.each(hypervisorNames)('%s moves a guest, at its port and in its frame', (name) => {
    const session = moved(sessionWith(name))
    const { hostName, state } = session.world.liveVm() ?? {}
    expect({ hostName, state }).toEqual({ hostName: 'host-b', state: 'running' })
    expect(session.trace.rows('migration-compare').at(-1)).toMatchObject({ ramDifferences: 0, deviceDifferences: 0 })
    const { streams } = session.world.sniffer.report()
    const { encryption, migrationPort, streamFormat } = profiles[name]
    const { channel } = profiles[name]
    const openings: Readonly<Record<string, string>> = { none: streamFormat === 'libxc' ? 'libxc' : 'qevm', ssh: 'ssh' }
    const opening = openings[channel] ?? 'records'
    expect(streams.map(({ protocol }) => protocol)).toContain(opening)
    const ports = streams.map(({ server }) => Number(server?.split(':').at(-1)))
    expect(ports).toContain(encryption === 'ssh tunnel' ? 22 : migrationPort)
    expect(session.world.runs().at(-1)?.wireOctets).toBeGreaterThan(1024 ** 2)
  })

  it('Xen’s frame hides nothing: memory is rebuilt, secrets are found, and packets are dissected', () => {
    const session = moved(sessionWith('xend'))
    const stream = session.world.sniffer.report().streams.find(({ protocol }) => protocol === 'libxc')
    expect(stream).toMatchObject({ complete: true, machine: 'virt' })
    expect(stream?.blocks.reduce((sum, { pagesRecovered }) => sum + pagesRecovered, 0)).toBeGreaterThan(1000)
    expect(session.world.lastRun()?.secretsFound).toBeGreaterThan(0)
    const { tap } = session.world.rack
    const frames = Array.from({ length: tap.lastPacket }, (_, at) => tap.frame(at + 1) ?? new Uint8Array(0))
    const index = new CaptureIndex(new FrameList(frames))
    index.update()
    const [first = 0] = new DisplayFilter(index, 'libxc.id == "XENF"').matchRange(1, index.lastPacket + 1)
    expect(summarisePacket(index, first)).toMatchObject({ protocol: 'libxc' })
    expect(summarisePacket(index, first)?.info).toContain('image header, domain header, X86_PV_INFO')
    const filter = new DisplayFilter(index, 'libxc.record.type == 1 && libxc.page_data.count > 1')
    expect(filter.matchRange(1, index.lastPacket + 1).length).toBeGreaterThan(3)
    // Two of level 1 for 4 MiB, and one of each level above.
    const tables = new DisplayFilter(index, 'libxc.page_data.page_tables == 5')
    expect(tables.matchRange(1, index.lastPacket + 1)).toHaveLength(1)
  })

  it('seals when it can and is not told otherwise, where that is left to it', () => {
    const [sealed, clear] = [{}, { channel: 'none' } as const].map((migration) =>
      moved(sessionWith('vmware-6.7', migration)).world.lastRun(),
    )
    expect(sealed).toMatchObject({ status: 'completed', secretsFound: 0 })
    expect(clear?.secretsFound).toBeGreaterThan(0)
  })

  it('runs guests at the speed of its kind of virtualisation', () => {
    // While it boots, a guest does not wait for anything.
    const [fast, paravirtual, slow] = (['kvm', 'xen', 'qemu'] as const).map(
      (name) => sessionWith(name, {}, milliseconds(2)).world.liveVm()?.instructions ?? 0,
    )
    expect(slow).toBeLessThan((fast ?? 0) / 2)
    expect(paravirtual).toBeLessThan(fast ?? 0)
  })

  it('refuses what its hypervisor has not', () => {
    expect(() => sessionWith('xen', { strategy: 'hybrid' })).toThrow('strategy: Xen with xl has no post-copy')
    expect(() => sessionWith('vmware-6.0', { xbzrle: true })).toThrow('VMware ESXi 6.0 has no XBZRLE')
    expect(() => sessionWith('vmware-encrypted', { channel: 'none' })).toThrow('moves it sealed or not at all')
    const session = sessionWith('xen')
    expect(says(session, 'operator', 'virsh migrate --live --parallel web')).toContain('has no multifd')
  })
})

describe('xl', () => {
  it('moves a guest inside SSH, and without it in clear to the relocation port', () => {
    for (const [command, channel] of [
      ['xl migrate web host-b', 'ssh'],
      ['xl migrate -s "" web host-b', 'none'],
    ] as const) {
      const session = sessionWith('xen')
      expect(says(session, 'operator', command)).toContain('migration target: Ready to receive domain.')
      expect(session.world.crossing?.parts.channel).toBe(channel)
      session.runWhile(({ isMigrating }) => isMigrating, seconds(30))
      expect(session.world.liveVm()?.hostName).toBe('host-b')
    }
  })

  it('lists, describes, pauses and refuses in Xen’s words', () => {
    const session = sessionWith('xen')
    expect(says(session, 'operator', 'xl list')).toMatch(/Domain-0 +0 +1024 +4\tr-----[^]*web +1 +4 +1\tr-----/)
    expect(says(session, 'operator', 'xl info')).toContain('free_memory            : 4092')
    expect(says(session, 'operator', 'xl vcpu-list')).toContain('all / all')
    expect(says(session, 'operator', 'xl pause web')).toBe('')
    expect(says(session, 'operator', 'xl list')).toContain('--p---')
    expect(says(session, 'operator', 'xl unpause 1')).toBe('')
    expect(says(session, 'operator', 'xl migrate db host-b')).toContain('"db" is an invalid domain identifier (rc=-6)')
    expect(says(session, 'operator', 'xl migrate web')).toContain("'xl migrate' requires at least 2 arguments.")
    expect(session.isMigrating).toBe(false)
    expect(says(session, 'operator', 'xl help')).toContain(' migrate             Migrate a domain to another host')
    expect(says(sessionWith('kvm'), 'operator', 'xl list')).toContain('KVM with QEMU and libvirt')
  })
})
