/** What runs on the attacker's computer, and what it is to do with what passes. */
import { InputError } from '../../base/errors.js'
import type { StreamEdit } from '../../attack/middle/stream-edits.js'
import type { Attack } from '../../attack/reach.js'
import type { AttackerComputer } from './attacker-computer.js'

/** Starts a hypervisor that waits for a guest at a TCP port. Throws `InputError` when there is one already. */
export interface HypervisorStarter {
  startHypervisor(port: number): Attack
}

interface Job {
  readonly id: number
  readonly line: string
  readonly attack: Attack
}

export interface Filter {
  /** As it was typed. */
  readonly text: string
  readonly edit: StreamEdit
}

export class AttackerJobs {
  readonly filters: Filter[] = []
  private readonly jobs: Job[] = []
  private started = 0

  constructor(
    readonly computer: AttackerComputer,
    readonly starter: HypervisorStarter,
  ) {}

  get all(): readonly Job[] {
    return this.jobs
  }

  /** Throws `InputError` where nothing can be sent. Returns the job's number. */
  start(line: string, attack: Attack): number {
    this.expectStation()
    const id = ++this.started
    this.jobs.push({ id, line, attack })
    this.computer.run(attack)
    return id
  }

  /** Throws `InputError` when there is none of that number. */
  kill(id: number): void {
    const index = this.jobs.findIndex((job) => job.id === id)
    const [job] = index < 0 ? [] : this.jobs.splice(index, 1)
    if (job === undefined) throw new InputError(`there is no job ${id}: "jobs" lists them`)
    this.computer.stop(job.attack)
  }

  /** Throws `InputError` where nothing can be sent. */
  expectStation(): void {
    if (this.computer.hasStation) return
    throw new InputError(
      'this port takes no frames: the switch drops what is sent into a mirror’s destination. Plug the cable in elsewhere',
    )
  }
}
