import { describe, expect, it } from 'vitest'
import { scenarioOf } from '../../../core/lab/lab-schema.js'
import { Session, type LoggedCommand } from '../../../core/session/session.js'
import type { SessionFile } from '../../../renderer/engine/contract.js'
import { EngineBench, image, labs } from '../../support/engine-bench.js'

const LAB = '01-first-crossing'

/** Two hosts at a switch, and what is done there. */
const smallNetwork = {
  title: 'Two hosts',
  hosts: { a: { address: '10.0.0.1/24' }, b: { address: '10.0.0.2/24' } },
  switches: { s: {} },
  links: [
    { from: 'a', to: 's' },
    { from: 'b', to: 's' },
  ],
  taps: [{ name: 'at a', link: 'a' }],
  script: [{ do: 'ping', from: 'a', to: 'b', count: 3 }],
}

function openedAt(speed: number | 'auto', readMs?: number): EngineBench {
  const bench = new EngineBench(readMs)
  bench.send({ kind: 'open-lab', labId: LAB, seed: 'pace' })
  bench.send({ kind: 'speed', speed })
  bench.send({ kind: 'boot' })
  return bench
}

describe('LabEngine', () => {
  it('lists the labs and the sandbox', () => {
    const bench = new EngineBench()
    bench.send({ kind: 'list-labs' })
    expect(bench.last('labs')?.labs.map(({ id }) => id)).toEqual([...labs.map(({ id }) => id), 'sandbox'])
  })

  it.each([0.05, 1, 7, Infinity, 'auto'] as const)(
    'at speed %s gives the trace that its log gives in one go',
    (speed) => {
      const bench = openedAt(speed, speed === 0.05 ? 2 : 0.3)
      const nearNs = speed === 0.05 ? 0.02e9 : 1.2e9
      bench.runUntil(({ view }) => view.nowNs > nearNs)
      bench.send({ kind: 'migrate' })
      bench.runUntil(
        ({ view }) => view.migration?.status === 'completed' || view.nowNs > nearNs + (speed === 0.05 ? 0.05e9 : 1e9),
      )
      bench.send({ kind: 'pause' })
      const { traceHash, virtualNs } = bench.report()
      bench.send({ kind: 'close' })
      const { log, seed } = bench.file()
      const parts = { scenario: scenarioOf(labs[0]!), seed, image }
      const replayed = Session.replay(parts, log as readonly LoggedCommand[], virtualNs)
      expect(replayed.trace.hash()).toBe(traceHash)
      expect(log.map((entry) => (entry as LoggedCommand).command.kind)).toEqual(['boot', 'migrate'])
    },
  )

  it('begins the sandbox again with another guest, keeps what was done, and opens either again', () => {
    const bench = new EngineBench()
    bench.send({ kind: 'open-lab', labId: 'sandbox', seed: 'guests' })
    expect([bench.view.guestImage, bench.view.guestImages]).toEqual(['shell', ['shell', 'web']])
    bench.send({ kind: 'boot' })
    bench.runUntil(({ view }) => view.nowNs > 1e8)
    bench.send({ kind: 'choose-sandbox', choice: { guest: 'web' } })
    const first = bench.file()
    expect([first.guest, first.log.length]).toEqual(['shell', 1])
    expect([bench.view.guestImage, bench.view.nowNs, bench.view.booted]).toEqual(['web', 0, false])
    bench.send({ kind: 'boot' })
    bench.runUntil(({ view }) => view.nowNs > 1e9)
    bench.send({ kind: 'reset' })
    expect(bench.view.guestImage).toBe('web')
    bench.send({ kind: 'open-session', file: first })
    bench.runUntil(({ view }) => view.sessionId === first.id)
    expect([bench.view.guestImage, bench.view.booted]).toEqual(['shell', true])
  })

  it('runs the sandbox on other hypervisors, with what they do unless told otherwise', () => {
    const bench = new EngineBench()
    bench.send({ kind: 'open-lab', labId: 'sandbox', seed: 'hosts' })
    expect(bench.view.profile).toBe('kvm')
    bench.send({ kind: 'choose-sandbox', choice: { profile: 'xen' } })
    expect(bench.view).toMatchObject({ profile: 'xen', settings: { stopRule: 'xen', channel: 'ssh' } })
    bench.send({ kind: 'choose-sandbox', choice: { guest: 'web' } })
    expect(bench.view).toMatchObject({ profile: 'xen', guestImage: 'web' })
    bench.send({ kind: 'boot' })
    const file = bench.file()
    bench.send({ kind: 'choose-sandbox', choice: { profile: 'hyper-v' } })
    expect(bench.last('error')?.message).toMatch(/^there is no hypervisor "hyper-v"; there are: kvm, /)
    bench.send({ kind: 'open-session', file })
    bench.runUntil(({ view }) => view.sessionId === file.id)
    expect(bench.view.profile).toBe('xen')
  })

  it('refuses a guest there is not, and another guest for a lab', () => {
    const bench = new EngineBench()
    bench.send({ kind: 'open-lab', labId: 'sandbox', seed: 'guests' })
    bench.send({ kind: 'choose-sandbox', choice: { guest: 'constructor' } })
    expect(bench.last('error')?.message).toBe('there is no guest "constructor"; there are: shell, web')
    expect(bench.view.guestImage).toBe('shell')
    bench.send({ kind: 'open-lab', labId: LAB, seed: 'guests' })
    expect(bench.view.guestImages).toEqual([])
    bench.send({ kind: 'choose-sandbox', choice: { guest: 'web' } })
    expect(bench.last('error')?.message).toMatch(/a guest and hosts of its own/)
  })

  it('exports nothing of a fleet that is not open', () => {
    const bench = openedAt(1)
    bench.send({ kind: 'export', what: 'fleet-file' })
    expect(bench.last('error')?.message).toBe('no fleet is open')
    expect(bench.last('exported')).toBeUndefined()
  })

  it('left to itself, shows migrations in slow motion', () => {
    const bench = openedAt('auto')
    bench.runUntil(({ view }) => view.nowNs > 1e9)
    expect(bench.view.speed).toBe(1)
    bench.send({ kind: 'migrate' })
    expect(bench.view.speed).toBe(0.05)
    bench.runUntil(({ view }) => view.migration?.status === 'completed' && view.speed === 1)
    expect(bench.view.runs).toHaveLength(1)
  })

  it('opens a kept session where it was left', () => {
    const bench = openedAt(Infinity)
    bench.runUntil(({ view }) => view.nowNs > 2e9)
    bench.send({ kind: 'type', console: 'operator', text: 'virsh list\r' })
    bench.send({ kind: 'pause' })
    const hash = bench.report().traceHash
    bench.send({ kind: 'close' })
    const again = new EngineBench()
    again.send({ kind: 'open-session', file: bench.file() })
    again.runUntil((opened) => opened.last('view') !== undefined)
    expect(again.view).toMatchObject({ fresh: true, nowNs: bench.file().virtualNs, sessionId: bench.file().id })
    expect(again.report().traceHash).toBe(hash)
    expect(again.view.newConsoleText.operator + bench.view.newConsoleText.operator).toContain('virsh list')
  })

  it('keeps a session as it stands when the clock stops, and when it is asked to', () => {
    const bench = openedAt(Infinity)
    bench.runUntil(({ view }) => view.nowNs > 1e9)
    bench.send({ kind: 'pause' })
    expect(bench.file().virtualNs).toBe(bench.view.nowNs)
    bench.send({ kind: 'play' })
    bench.runUntil(({ view }) => view.nowNs > 1.5e9)
    bench.send({ kind: 'keep' })
    expect(bench.file().virtualNs).toBe(bench.view.nowNs)
    bench.send({ kind: 'step', to: 'event' })
    expect(bench.file().virtualNs).toBe(bench.view.nowNs)
  })

  it('plays up to a step for the instructor', () => {
    const bench = new EngineBench()
    bench.send({ kind: 'open-lab', labId: LAB, seed: 'jump' })
    bench.send({ kind: 'jump-to-step', stepId: 'what-leaked' })
    bench.runUntil(({ view }) => view.nowNs > 0)
    expect(bench.view.lab?.steps.map(({ state }) => state)).toEqual([
      'done',
      'done',
      'current',
      'locked',
      'locked',
      'locked',
    ])
  })

  it('plays an example network, and has its packets', () => {
    const bench = new EngineBench(0.2, { networks: { small: smallNetwork } })
    bench.send({ kind: 'list-labs' })
    expect(bench.last('labs')?.networks).toMatchObject([{ id: 'small', title: 'Two hosts' }])
    bench.send({ kind: 'open-network', id: 'small' })
    bench.runUntil(({ answers }) => answers.some(({ kind }) => kind === 'network'))
    const network = bench.last('network')
    expect(network).toMatchObject({ taps: ['at a'], entries: [{ title: 'ping a → b', problems: [] }] })
    expect(network?.entries[0]?.lines.join()).toContain('3 packets transmitted, 3 received')
    bench.send({
      kind: 'watch-packets',
      watch: { capture: 'tap at a', filter: 'icmp', first: 0, count: 10, reveal: null },
    })
    expect(bench.last('packets')?.matching).toBe(6)
    bench.send({ kind: 'close-network' })
    bench.send({ kind: 'open-network', id: 'no such' })
    expect(bench.last('error')?.message).toContain('no such')
  })

  it('cuts a cable and tells what is to be seen of it, and captures there from then on', () => {
    const bench = openedAt(1)
    bench.runUntil(({ view }) => view.nowNs > 0.5e9)
    bench.send({ kind: 'inspect', target: { kind: 'link', name: 'client' } })
    expect(bench.last('inspection')).toMatchObject({ isCut: false, conditions: { loss: 0 } })
    bench.send({ kind: 'cut-link', link: 'client' })
    expect(bench.last('inspection')?.isCut).toBe(true)
    bench.send({ kind: 'cut-link', link: 'client' })
    expect(bench.last('error')?.message).toContain('cut already')
    bench.send({ kind: 'restore-link', link: 'client' })
    bench.send({ kind: 'configure-link', link: 'client', conditions: { loss: 2 } })
    expect(bench.last('error')?.message).toContain('loss')
    bench.send({
      kind: 'watch-packets',
      watch: { capture: 'cable client', filter: '', first: 0, count: 10, reveal: null },
    })
    expect(bench.last('packets')?.captured).toBe(0)
    const { nowNs } = bench.view
    bench.runUntil(({ view }) => view.nowNs > nowNs + 0.2e9)
    expect(bench.last('packets')?.captured).toBeGreaterThan(10)
  })

  it('steps to the next packet, and says when there is none', () => {
    const bench = openedAt(1)
    bench.runUntil(({ view }) => view.nowNs > 0.5e9)
    bench.send({ kind: 'pause' })
    const { capturedFrames } = bench.view
    bench.send({ kind: 'step', to: 'packet' })
    expect(bench.view).toMatchObject({ playing: false, capturedFrames: capturedFrames + 1 })
    bench.send({ kind: 'step', to: 'round' })
    expect(bench.last('error')?.message).toContain('no round came')
  })

  it('stops the clock when nobody does anything for long', () => {
    const bench = openedAt(Infinity)
    bench.runUntil(({ view }) => !view.playing, 200_000)
    expect(bench.view.playing).toBe(false)
    expect(bench.view.nowNs).toBeGreaterThan(30e9)
  }, 60_000)

  it('answers what cannot be done with words, and lives on', () => {
    const bench = new EngineBench()
    bench.send({ kind: 'migrate' })
    expect(bench.last('error')).toMatchObject({ message: 'no session is open' })
    bench.send({ kind: 'open-lab', labId: 'nowhere', seed: '' })
    expect(bench.last('error')?.message).toContain('there is no lab')
    bench.send({ kind: 'open-lab', labId: 'sandbox', seed: 'x' })
    bench.send({ kind: 'migrate' })
    expect(bench.last('error')?.message).toBe('web is not running: boot it first')
    bench.send({ kind: 'analyse', name: 'cat.jpg', octets: new Uint8Array([0xff, 0xd8, 0xff]) })
    expect(bench.last('error')).toMatchObject({
      what: 'The file cannot be read',
      message: expect.stringContaining('cat.jpg: ') as string,
    })
    expect(bench.view.lab).toBeNull()
  })

  it('refuses a damaged session file', () => {
    const bench = openedAt(1)
    bench.send({ kind: 'close' })
    const file = bench.file()
    const damage = (log: readonly unknown[], more: Partial<SessionFile> = {}): string => {
      const other = new EngineBench()
      other.send({ kind: 'open-session', file: { ...file, ...more, log } })
      other.runUntil(() => false, 50)
      return other.last('error')?.message ?? 'no error'
    }
    expect(damage([{ atNs: -1, command: { kind: 'boot' } }])).toContain('entry 1')
    expect(
      damage([
        { atNs: 5, command: { kind: 'boot' } },
        { atNs: 4, command: { kind: 'migrate' } },
      ]),
    ).toContain('entry 2')
    expect(damage([null])).toContain('entry 1')
    expect(damage(file.log, { labId: '99-gone' })).toContain('there is no lab')
    expect(damage([{ atNs: 0, command: { kind: 'explode' } }])).not.toBe('no error')
    expect(damage('boot' as unknown as unknown[])).toContain('damaged')
  })
})
