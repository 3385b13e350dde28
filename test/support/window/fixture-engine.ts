/** An engine that makes everything up, so that the window can be worked on and looked at without the real one. */
import type { EngineSource } from '../../../renderer/engine/client.js'
import type {
  Answer,
  ChannelName,
  ConsoleName,
  EventView,
  HostView,
  LabView,
  LinkView,
  MigrationSettings,
  MigrationView,
  PacketView,
  Request,
  RunMetrics,
  SessionView,
} from '../../../renderer/engine/contract.js'
import {
  fixtureRun,
  plantedSecrets,
  probesBetween,
  runTimes,
  throughputBetween,
  type FixtureRun,
} from './fixture-runs.js'
import { fixtureLabs, fixtureSteps } from './fixture-lab.js'

const FRAME_MS = 16
const BOOT_NS = 400e6

export class FixtureEngine implements EngineSource {
  private readonly listeners = new Set<(answer: Answer) => void>()
  private readonly timer = setInterval(() => this.tick(), FRAME_MS)
  private isOpen = false
  private labId = ''
  private nowNs = 0
  private sentNs = 0
  private playing = false
  private speed: number | 'auto' = 1
  private bootedAtNs: number | null = null
  private fixtureRuns: FixtureRun[] = []
  private settings: MigrationSettings = {
    strategy: 'precopy',
    channel: 'none',
    bandwidthBps: 1e9,
    downtimeLimitMs: 30,
    maxBandwidth: 0,
    workingSetPages: 256,
    guestOptions: {},
    dirtyPagesPerSecond: 2000,
  }
  private hints = 0
  private answers = new Map<string, string>()
  private text: Record<ConsoleName, string> = { guest: '', operator: '', attacker: '' }
  private events: EventView[] = []
  private packets: PacketView[] = []
  private packetCount = 0
  private fresh = false
  private told = 0

  send(request: Request): void {
    switch (request.kind) {
      case 'list-labs':
        return this.tell({ kind: 'labs', labs: fixtureLabs })
      case 'open-lab':
        return this.open(request.labId)
      case 'open-session':
        return this.open(request.file.labId)
      case 'close':
        this.isOpen = false
        return
      case 'play':
      case 'pause':
        this.playing = request.kind === 'play'
        return this.view()
      case 'speed':
        this.speed = request.speed
        return this.view()
      case 'step':
        this.advance({ packet: 12_300, round: 80e6, event: 1e6 }[request.to])
        return this.view()
      case 'type':
        this.text[request.console] += request.text.replaceAll('\r', '\r\n')
        return this.view()
      case 'configure':
        this.settings = { ...this.settings, ...request.settings }
        return this.view()
      case 'boot':
        this.bootedAtNs = this.nowNs
        this.playing = true
        this.note('operator', 'boot web on Host A')
        return
      case 'migrate':
        return this.migrate(this.settings.channel)
      case 'answer':
        this.answers.set(request.questionId, request.answer)
        return this.view()
      case 'keep':
        return
      case 'hint':
        this.hints++
        return this.view()
      case 'reset':
        return this.open(this.labId)
      case 'cancel-migration':
      case 'choose-guest':
      case 'jump-to-step':
        return this.tell({ kind: 'error', what: 'Not in the stand-in', message: 'Only the real engine does this.' })
      case 'analyse':
        return this.tell({ kind: 'analysis', name: request.name, report: fixtureAnalysis })
      case 'export':
        return this.tell({ kind: 'error', what: 'Not in the stand-in', message: 'Only the real engine exports.' })
    }
  }

  listen(listener: (answer: Answer) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  dispose(): void {
    clearInterval(this.timer)
  }

  /** For pictures: on by that much virtual time, at once. */
  advance(ns: number): void {
    const STEP = 4e6
    for (let left = ns; left > 0; left -= STEP) this.live(Math.min(STEP, left))
  }

  migrate(channel: ChannelName): void {
    const last = this.fixtureRuns.at(-1)
    const fromHost = last?.fromHost === 'host-a' ? 'host-b' : 'host-a'
    this.settings = { ...this.settings, channel }
    this.fixtureRuns.push({ migration: this.fixtureRuns.length + 1, channel, startNs: this.nowNs, fromHost })
    this.playing = true
    this.text.operator += `virsh migrate --live web ${fromHost === 'host-a' ? 'host-b' : 'host-a'}\r\n`
    this.note('operator', `migrate web over ${channel}`)
  }

  private open(labId: string): void {
    this.labId = labId
    this.isOpen = true
    this.nowNs = 0
    this.sentNs = 0
    this.bootedAtNs = null
    this.fixtureRuns = []
    this.playing = false
    this.told = 0
    this.packetCount = 0
    this.events = []
    this.packets = []
    this.text = {
      guest: '',
      operator: 'Midstream operator shell. Type help for what it can do.\r\n\x1b[33moperator$\x1b[0m ',
      attacker: 'Mirror port of S1, listening.\r\n\x1b[35mmallory$\x1b[0m ',
    }
    this.fresh = true
    this.view()
  }

  private tick(): void {
    if (!this.isOpen || !this.playing) return
    const speed = this.speed === 'auto' ? (this.activeRun() ? 0.05 : 1) : Math.min(this.speed, 20)
    this.advance(speed * FRAME_MS * 1e6)
    this.view()
  }

  private live(ns: number): void {
    const before = this.nowNs
    this.nowNs += ns
    const at = (whenNs: number) => before < whenNs && whenNs <= this.nowNs
    if (this.bootedAtNs !== null) {
      if (at(this.bootedAtNs + BOOT_NS))
        this.text.guest += 'Midstream guest, RV32IM\r\n\r\nweb login: alice\r\npassword: \r\nWelcome, alice.\r\n'
      const second = Math.floor((this.nowNs - this.bootedAtNs) / 1e9)
      if (second > Math.floor((before - this.bootedAtNs) / 1e9)) this.text.guest += `[tick ${second}]\r\n`
    }
    for (const run of this.fixtureRuns) this.liveRun(run, at)
    if (this.packets.length < 4000 && this.bootedAtNs !== null) {
      const run = this.activeRun()
      for (let index = 0; index < (run ? 12 : 1); index++) this.packet(run)
    }
  }

  private liveRun(run: FixtureRun, at: (ns: number) => boolean): void {
    const times = runTimes(run)
    times.rounds.forEach((round, index) => {
      if (at(round.endNs)) this.note('migration', `round ${index + 1} ended`)
    })
    if (at(times.pausedFromNs)) this.text.guest += '\x1b[33m-- paused for switch-over --\x1b[0m\r\n'
    if (at(times.resumedAtNs)) {
      this.note('migration', 'completed')
      this.text.operator += 'migration: completed\r\n\x1b[33moperator$\x1b[0m '
    }
    for (const finding of fixtureRun(run, Infinity).findings) {
      if (!at(finding.atNs)) continue
      const value = finding.value.split('\n')[0]!
      this.text.attacker += `found ${finding.kind.padEnd(12)} \x1b[31m${value}\x1b[0m  packet ${finding.packet}\r\n`
      this.note('attacker', `found a ${finding.kind} in packet ${finding.packet}`)
    }
  }

  private packet(run: FixtureRun | undefined): void {
    this.packetCount++
    const info = run
      ? {
          protocol: run.channel === 'ssh' ? 'SSH' : 'TCP',
          info: '40322 → 49152 [ACK] Seq=88 Ack=1 Len=1448',
          source: '10.0.0.1',
          destination: '10.0.0.2',
          octets: 1514,
        }
      : { protocol: 'ICMP', info: 'Echo request id=1', source: '10.0.0.9', destination: '10.0.0.20', octets: 98 }
    this.packets.push({ packet: this.packetCount, atNs: this.nowNs, ...info })
  }

  private note(source: string, text: string): void {
    this.events.push({ atNs: this.nowNs, source, text })
  }

  private activeRun(): FixtureRun | undefined {
    return this.fixtureRuns.find((run) => this.nowNs >= run.startNs && this.nowNs < runTimes(run).resumedAtNs)
  }

  private runs(): RunMetrics[] {
    return this.fixtureRuns.map((run) => fixtureRun(run, this.nowNs))
  }

  view(): void {
    if (!this.isOpen) return
    const newProbes =
      this.bootedAtNs === null
        ? []
        : probesBetween(Math.max(this.sentNs, this.bootedAtNs + BOOT_NS), this.nowNs, this.fixtureRuns)
    const newThroughput = this.bootedAtNs === null ? [] : throughputBetween(this.sentNs, this.nowNs, this.fixtureRuns)
    const runs = this.runs()
    const active = this.activeRun()
    const view: SessionView = {
      kind: 'view',
      sessionId: 'fixture',
      labId: this.labId,
      seed: '5eed',
      nowNs: this.nowNs,
      playing: this.playing,
      speed: this.speed === 'auto' ? 1 : this.speed,
      booted: this.bootedAtNs !== null,
      guest: 'web',
      guestImage: 'shell',
      guestImages: [],
      settings: this.settings,
      hosts: this.hosts(active),
      links: this.links(active),
      migration: this.migration(runs, active),
      runs,
      lab: this.lab(runs),
      traceHash: null,
      newConsoleText: this.text,
      newProbes,
      newThroughput,
      newEvents: this.events,
      newPackets: this.packets,
      fresh: this.fresh,
      capturedFrames: this.packetCount,
    }
    this.sentNs = this.nowNs
    this.fresh = false
    this.text = { guest: '', operator: '', attacker: '' }
    this.events = []
    this.packets = []
    this.tell(structuredClone(view))
    const done = view.lab?.steps.filter(({ state }) => state === 'done').length ?? 0
    if (done !== this.told) {
      this.told = done
      this.keep(done)
    }
  }

  private keep(stepsDone: number): void {
    this.tell({
      kind: 'saved',
      file: {
        format: 'midstream-session',
        version: 1,
        id: 'fixture',
        labId: this.labId,
        seed: '5eed',
        savedAtMs: Date.now(),
        virtualNs: this.nowNs,
        stepsDone,
        stepCount: fixtureSteps.length,
        title: '01 First crossing',
        log: [],
      },
    })
  }

  private lab(runs: readonly RunMetrics[]): LabView | null {
    if (this.labId === 'sandbox') return null
    const isDone = (channel: string) => runs.some((run) => run.channel === channel && run.status === 'completed')
    const done = [
      this.bootedAtNs !== null,
      isDone('none'),
      isDone('none') && this.answers.size > 0,
      isDone('nacl'),
      isDone('ssh'),
      isDone('ssh') && this.answers.size > 1,
    ]
    const current = done.indexOf(false)
    return {
      id: this.labId,
      title: '01 First crossing',
      goal: 'See what live migration costs, what it leaks in clear, and what two ways of sealing it change.',
      steps: fixtureSteps.map((step, index) => ({
        ...step,
        state: done[index] ? 'done' : index === current ? 'current' : 'locked',
        hints: index === current ? step.allHints.slice(0, this.hints) : [],
        hintCount: step.allHints.length,
        missing: done[index] ? '' : step.missing,
        evidence: done[index]
          ? [
              {
                text: step.shown,
                atNs: evidenceNs(index, runs, this.bootedAtNs ?? 0),
                packet: index > 0 ? 1204 : null,
                address: null,
              },
            ]
          : [],
        questions: step.questions.map((question) => {
          const answer = this.answers.get(question.id) ?? null
          return { ...question, answer, correct: answer === null ? null : answer === question.choices[1] }
        }),
      })),
    }
  }

  private migration(runs: readonly RunMetrics[], active: FixtureRun | undefined): MigrationView | null {
    const run = runs.at(-1)
    if (run === undefined) return null
    const round = run.rounds.at(-1)
    const total = [4096, 1310, 486, 371, 118][(round?.round ?? 1) - 1]!
    const sent = round ? round.zeroPages + round.normalPages : 0
    return {
      migration: run.migration,
      status: active ? (round?.paused ? 'device' : round ? 'active' : 'setup') : 'completed',
      cause: '',
      source: run.source,
      destination: run.destination,
      channel: run.channel as ChannelName,
      strategy: 'precopy',
      round: round?.round ?? 0,
      roundProgress: sent / total,
      remainingPages: total - sent,
    }
  }

  private hosts(active: FixtureRun | undefined): HostView[] {
    const runs = this.runs()
    const run = runs.at(-1)
    const at = run === undefined ? 'host-a' : run.endNs === null ? run.source : run.destination
    const round = run?.rounds.at(-1)
    const progress = round ? (round.zeroPages + round.normalPages) / [4096, 1310, 486, 371, 118][round.round - 1]! : 0
    const vmAt = (name: string) => {
      if (this.bootedAtNs === null) return null
      const isSource = name === at
      if (!isSource && !(active !== undefined && name !== run?.source)) return null
      const cells = new Uint8Array(96)
      for (let cell = 0; cell < 96; cell++) {
        const isBusy = (cell * 37 + Math.floor(this.nowNs / 40e6)) % 11 === 0 || cell > 86
        const isSent = active !== undefined && cell / 96 < progress
        if (isSource) cells[cell] = isBusy ? 2 : isSent ? 3 : 1
        else cells[cell] = (round?.round ?? 1) > 1 || cell / 96 < progress ? 4 : 0
      }
      const state = isSource ? (round?.paused === true && active ? 'paused' : 'running') : 'inmigrate'
      return { name: 'web', address: '10.0.0.20', state, ramOctets: 16 * 2 ** 20, cells }
    }
    const hypervisor = (name: string, title: string, address: string): HostView => ({
      name,
      title,
      role: 'hypervisor',
      address,
      cores: 4,
      vm: vmAt(name),
    })
    return [
      hypervisor('host-a', 'Host A', '10.0.0.1'),
      hypervisor('host-b', 'Host B', '10.0.0.2'),
      { name: 'client', title: 'Client', role: 'client', address: '10.0.0.9', cores: 1, vm: null },
      { name: 'mallory', title: 'Mallory', role: 'attacker', address: '10.0.0.66', cores: 2, vm: null },
    ]
  }

  private links(active: FixtureRun | undefined): LinkView[] {
    const octets = active ? { none: 236_000, nacl: 130_000, ssh: 84_000 }[active.channel] : 0
    const running = this.bootedAtNs !== null
    return ['host-a', 'host-b', 'client', 'mallory'].map((from) => ({
      name: `${from}–s1`,
      from,
      to: 's1',
      bandwidthBps: this.settings.bandwidthBps,
      migrationOctets: from === 'client' ? 0 : octets,
      probeOctets: running && from !== 'host-b' ? 184 : 0,
      otherOctets: 0,
      content: this.settings.channel === 'none' ? 'clear' : 'sealed',
    }))
  }

  private tell(answer: Answer): void {
    this.listeners.forEach((listener) => listener(answer))
  }
}

function evidenceNs(step: number, runs: readonly RunMetrics[], bootedNs: number): number {
  if (step === 0) return bootedNs + BOOT_NS
  const run = runs[Math.min(runs.length - 1, step < 3 ? 0 : step < 4 ? 1 : 2)]
  return (run?.endNs ?? 0) + (step % 3) * 120e6
}

const fixtureAnalysis = {
  kind: 'pcapng',
  streams: [
    {
      protocol: 'qevm',
      complete: true,
      machine: 'virt',
      blocks: [
        {
          name: 'riscv_virt_board.ram',
          octets: 32 * 2 ** 20,
          pagesRecovered: 8192,
          sha256: 'c0ffee'.repeat(10) + 'beef',
        },
      ],
      rounds: [
        { zero: 7020, normal: 1172, xbzrle: 0, inferred: false },
        { zero: 3, normal: 211, xbzrle: 0, inferred: false },
      ],
      findings: plantedSecrets.map(([kind, name, value], index) => ({
        kind,
        name,
        value,
        address: 0x80000000 + index * 9216,
        packets: [812 + index * 31],
      })),
    },
    { protocol: 'ssh', complete: false, machine: '', blocks: [], rounds: [], findings: [] },
  ],
  warnings: ['The capture ends in the middle of a frame: 3 octets were left over.'],
}
