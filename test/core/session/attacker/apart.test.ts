/**
 * An attack needs nothing of the lab but frames: a passive one gives the same from its capture alone, an active one runs on a
 * kernel of its own that exchanges nothing but octets and times with the lab, and the same octets cross.
 */
import { describe, expect, it } from 'vitest'
import { readGuestImage } from '../../../../cli/guest-images.js'
import { analyseFile } from '../../../../core/attack/capture-file.js'
import { equalOctets } from '../../../../core/base/octets.js'
import type { FrameSink } from '../../../../core/base/frame-sink.js'
import { milliseconds, seconds, type Nanos } from '../../../../core/base/units.js'
import { Kernel } from '../../../../core/kernel/kernel.js'
import { AttackerComputer } from '../../../../core/session/attacker/attacker-computer.js'
import { attackerCommands } from '../../../../core/session/attacker/attacker-commands.js'
import { AttackerJobs } from '../../../../core/session/attacker/attacker-jobs.js'
import { ReceiverLab } from '../../../../core/session/attacker/drills/receiver-lab.js'
import { places } from '../../../../core/session/rack.js'
import type { Session } from '../../../../core/session/session.js'
import { bootedSession, migrateToEnd } from '../../../support/lab-session.js'

const LINES = ['filter replace "Login incorrect" "All yours, Eve!"', 'ettercap host-a host-b']

/** Frames on their way to the other side, as they would be posted to another worker. */
class Post implements FrameSink {
  readonly letters: Uint8Array[] = []
  receiveFrame(frame: Uint8Array): void {
    this.letters.push(structuredClone(frame.slice()))
  }
}

/** The attacker's computer beside the lab, on a kernel of its own. */
class Apart {
  readonly kernel = new Kernel('apart')
  private readonly computer = new AttackerComputer(this.kernel, places.attacker)
  private readonly toAttacker = new Post()
  private readonly toLab = new Post()

  constructor(private readonly session: Session) {
    session.world.rack.attackerEnd.output = this.toAttacker
    this.computer.output = this.toLab
    this.kernel.runUntil(session.nowNs)
  }

  type(line: string): void {
    const [command = '', ...words] = line.split(' ')
    attackerCommands[command]?.(this.jobs, words, line)
    this.exchange()
  }
  private readonly jobs = new AttackerJobs(this.computer, {
    startHypervisor: () => {
      throw new Error('no hypervisor here')
    },
  })

  /** Whichever kernel has the next event goes first. */
  runUntil(untilNs: Nanos): void {
    const lab = this.session.world.kernel
    for (;;) {
      const [mine, theirs] = [this.kernel.nextEventNs() ?? Infinity, lab.nextEventNs() ?? Infinity]
      if (Math.min(mine, theirs) > untilNs) break
      if (mine < theirs) this.kernel.step()
      else lab.step()
      this.exchange()
    }
    this.kernel.runUntil(untilNs)
    lab.runUntil(untilNs)
  }

  private exchange(): void {
    const lab = this.session.world.kernel
    const nowNs = Math.max(lab.nowNs, this.kernel.nowNs)
    for (let letter = this.toAttacker.letters.shift(); letter; letter = this.toAttacker.letters.shift()) {
      this.kernel.runUntil(nowNs)
      this.computer.receiveFrame(letter)
    }
    for (let letter = this.toLab.letters.shift(); letter; letter = this.toLab.letters.shift()) {
      lab.runUntil(nowNs)
      this.session.world.rack.attackerEnd.receiveFrame(letter)
    }
  }
}

describe('an attacker', () => {
  it('who only listens finds the same in the capture alone', () => {
    const session = bootedSession({ seed: 'alone' })
    migrateToEnd(session)
    const { report } = analyseFile(session.world.rack.tap.toPcapng())
    const found = report.streams.flatMap(({ findings }) =>
      findings.map(({ kind, name, value }) => ({ kind, name, value })),
    )
    const told = session.trace.rows('finding').map(({ kind, name, value }) => ({ kind, name, value }))
    expect(found.length).toBeGreaterThan(20)
    for (const finding of told) expect(found).toContainEqual(finding)
  })

  it('who acts does the same on a kernel of his own, with nothing of the lab but frames', () => {
    const run = (isApart: boolean) => {
      const session = bootedSession({ seed: 'apart' })
      session.do({ kind: 'place-attacker', position: 'access' })
      const cable = session.world.rack.tapOf('host-b')
      const apart = isApart ? new Apart(session) : null
      for (const line of LINES)
        if (apart === null) session.do({ kind: 'type', console: 'attacker', text: `${line}\r` })
        else apart.type(line)
      const go = (spanNs: Nanos): void =>
        apart === null ? session.runFor(spanNs) : apart.runUntil(session.nowNs + spanNs)
      go(milliseconds(500))
      session.do({ kind: 'migrate' })
      go(seconds(1))
      return { session, octets: cable.toPcapng() }
    }
    const [inside, outside] = [run(false), run(true)]
    expect(inside.session.trace.rows('migration-compare')[0]?.ramDifferences).toBeGreaterThan(0)
    expect(outside.session.trace.rows('migration-compare')).toEqual(inside.session.trace.rows('migration-compare'))
    expect(outside.session.trace.rows('attack-stage')).toEqual([])
    expect(equalOctets(outside.octets, inside.octets)).toBe(true)
  })

  it('who takes a receiver over does the same on a kernel of his own', () => {
    const run = (isApart: boolean) => {
      const lab = new ReceiverLab({ configuration: 'vulnerable', seed: 'apart', image: readGuestImage })
      const { session } = lab
      const cable = session.world.rack.tapOf('host-b')
      if (isApart) {
        const apart = new Apart(session)
        apart.type('xensploit free-list host-b')
        apart.runUntil(session.nowNs + seconds(2))
      } else lab.attacker('xensploit free-list host-b')
      return { events: lab.rows('receiver-run').map(({ event }) => event), octets: cable.toPcapng() }
    }
    const [inside, outside] = [run(false), run(true)]
    expect(inside.events).toContain('taken-over')
    expect(outside.events).toEqual(inside.events)
    expect(equalOctets(outside.octets, inside.octets)).toBe(true)
  })
})
