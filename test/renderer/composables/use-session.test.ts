import { defaultScenario } from '../../../core/session/scenario.js'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { effectScope, type EffectScope } from 'vue'
import { useSession, type Exported, type Session } from '../../../renderer/composables/use-session.js'
import type { EngineSource } from '../../../renderer/engine/client.js'
import type { Answer, Request, SessionFile, SessionView } from '../../../renderer/engine/contract.js'

class ScriptedEngine implements EngineSource {
  readonly sent: Request[] = []
  private readonly listeners = new Set<(answer: Answer) => void>()

  send(request: Request): void {
    this.sent.push(request)
  }

  listen(listener: (answer: Answer) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  dispose(): void {
    this.listeners.clear()
  }

  tell(answer: Answer): void {
    this.listeners.forEach((listener) => listener(answer))
  }
}

const view = (change: Partial<SessionView> = {}): SessionView => ({
  kind: 'view',
  sessionId: 's',
  labId: '01',
  seed: '1',
  nowNs: 0,
  playing: true,
  speed: 1,
  booted: true,
  guest: 'web',
  guestImage: 'shell',
  guestImages: [],
  profile: 'kvm',
  profiles: [],
  channels: [],
  settings: {
    ...defaultScenario.migration,
    bandwidthBps: 1e9,
    workingSetPages: 16,
    guestOptions: {},
    dirtyPagesPerSecond: 0,
  },
  hosts: [],
  links: [],
  attackerPosition: 'mirror',
  switches: [],
  migration: null,
  runs: [],
  lab: null,
  traceHash: null,
  newConsoleText: { guest: '', operator: '', attacker: '' },
  newProbes: [],
  newThroughput: [],
  newEvents: [],
  fresh: false,
  capturedFrames: 0,
  ...change,
})
const probe = (sentNs: number) => ({ sentNs, replyMs: 1 })

let engine: ScriptedEngine
let scope: EffectScope
let session: Session
const saved: SessionFile[] = []
const exported: Exported[] = []

beforeEach(() => {
  vi.useFakeTimers()
  engine = new ScriptedEngine()
  scope = effectScope()
  session = scope.run(() =>
    useSession(engine, { save: (file) => saved.push(file), exported: (file) => exported.push(file) }),
  )!
})
afterEach(() => {
  scope.stop()
  vi.useRealTimers()
})

describe('useSession', () => {
  test('adds up what came new, and publishes it at most every tenth of a second', () => {
    engine.tell(view({ fresh: true, newProbes: [probe(1)] }))
    expect(session.probes.value.items).toEqual([probe(1)])
    const before = session.probes.value
    for (let at = 2; at < 10; at++) engine.tell(view({ nowNs: at, newProbes: [probe(at)] }))
    expect(session.view.value!.nowNs).toBe(9)
    expect(session.probes.value).toBe(before)
    vi.advanceTimersByTime(100)
    expect(session.probes.value).not.toBe(before)
    expect(session.probes.value.items).toHaveLength(9)
  })

  test('a fresh view drops what was kept of the session before', () => {
    engine.tell(
      view({ fresh: true, newProbes: [probe(1)], newConsoleText: { guest: 'old', operator: '', attacker: '' } }),
    )
    engine.tell(
      view({ fresh: true, newProbes: [probe(5)], newConsoleText: { guest: 'new', operator: '', attacker: '' } }),
    )
    expect(session.probes.value.items).toEqual([probe(5)])
    expect(session.consoles.guest.text).toBe('new')
  })

  test('a lab and runs that did not change keep their identity', () => {
    const lab = { id: '01', title: 'First', goal: '', steps: [] }
    engine.tell(view({ fresh: true, lab }))
    const first = session.lab.value
    engine.tell(view({ lab: structuredClone(lab) }))
    vi.advanceTimersByTime(100)
    expect(session.lab.value).toBe(first)
    engine.tell(view({ lab: { ...lab, title: 'Renamed' } }))
    vi.advanceTimersByTime(100)
    expect(session.lab.value!.title).toBe('Renamed')
  })

  test('views still under way after closing are ignored until the next session', () => {
    engine.tell(view({ fresh: true }))
    session.drop()
    engine.tell(view({ nowNs: 7 }))
    expect(session.view.value).toBeNull()
    engine.tell(view({ fresh: true, nowNs: 8 }))
    expect(session.view.value!.nowNs).toBe(8)
  })

  test('a console that is opened late is told all that was printed', () => {
    const heard: string[] = []
    engine.tell(view({ fresh: true, newConsoleText: { guest: 'login: ', operator: '', attacker: '' } }))
    const stop = session.consoles.guest.follow({
      write: (text) => heard.push(text),
      clear: () => heard.push('(cleared)'),
    })
    engine.tell(view({ newConsoleText: { guest: 'alice', operator: '', attacker: '' } }))
    stop()
    engine.tell(view({ newConsoleText: { guest: '!', operator: '', attacker: '' } }))
    expect(heard).toEqual(['login: ', 'alice'])
  })

  test('saves, exports, progress, analyses and errors go where they belong', () => {
    const file = { id: 'x' } as SessionFile
    engine.tell({ kind: 'saved', file })
    expect(saved).toEqual([file])
    const pcapng = { kind: 'exported', what: 'pcapng', name: 'a', octets: new Uint8Array(1) } as const
    engine.tell(pcapng)
    expect(exported).toEqual([pcapng])
    engine.tell({ kind: 'progress', what: 'Opening', fraction: 0.5 })
    expect(session.progress.value).toEqual({ what: 'Opening', fraction: 0.5 })
    engine.tell({ kind: 'analysis', name: 'c.pcapng', report: {}, hasPackets: true })
    expect(session.progress.value).toBeNull()
    expect(session.analysed.value!.name).toBe('c.pcapng')
    engine.tell({ kind: 'error', what: 'Boot', message: 'no room' })
    expect(session.problem.value).toEqual({ what: 'Boot', message: 'no room' })
  })

  test('remembers the speed that was asked for', () => {
    session.send({ kind: 'speed', speed: 0.05 })
    expect(session.askedSpeed.value).toBe(0.05)
    expect(engine.sent).toEqual([{ kind: 'speed', speed: 0.05 }])
  })

  test('listens no more once its scope ended', () => {
    scope.stop()
    engine.tell(view({ fresh: true }))
    expect(session.view.value).toBeNull()
  })
})
