/** The window's engine without a window: its answers are kept, and its wall clock is the test's. */
import { readGuestImage } from '../../cli/guest-images.js'
import { readLabs } from '../../cli/lab-files.js'
import type { ReportData } from '../../core/report/report-data.js'
import type { Answer, Request, SessionFile, SessionView } from '../../renderer/engine/contract.js'
import { LabEngine, type EngineHost } from '../../renderer/engine/lab-engine.js'

export const labs = readLabs()
export const image = readGuestImage('shell')

/** An engine whose wall clock the test moves: each time the clock is read, `readMs` have passed. */
export class EngineBench {
  readonly answers: Answer[] = []
  private readonly turns: { readonly atMs: number; readonly turn: () => void }[] = []
  private wallMs = 1000
  readonly engine: LabEngine

  constructor(
    private readonly readMs = 0.2,
    content: Partial<EngineHost> = {},
  ) {
    this.engine = new LabEngine({
      labs,
      images: { shell: image, web: readGuestImage('web') },
      networks: {},
      fleets: {},
      version: '0.0.0',
      ...content,
      answer: (answer) => void this.answers.push(answer),
      wallMs: () => (this.wallMs += this.readMs),
      dateMs: () => 1_700_000_000_000 + this.wallMs,
      later: (turn, delayMs) => void this.turns.push({ atMs: this.wallMs + delayMs, turn }),
    })
  }

  send(request: Request): void {
    this.engine.request(request)
  }

  /** Let turns run until `isDone`, at most so many. */
  runUntil(isDone: (bench: EngineBench) => boolean, turnsMax = 20_000): void {
    for (let count = 0; count < turnsMax && !isDone(this); count++) {
      const next = this.turns.shift()
      if (next === undefined) return
      this.wallMs = Math.max(this.wallMs, next.atMs)
      next.turn()
    }
  }

  last<K extends Answer['kind']>(kind: K): Extract<Answer, { kind: K }> | undefined {
    return this.answers.findLast((answer): answer is Extract<Answer, { kind: K }> => answer.kind === kind)
  }
  get view(): SessionView {
    return this.last('view')!
  }
  report(): ReportData {
    this.send({ kind: 'export', what: 'report-data' })
    return JSON.parse(new TextDecoder().decode(this.last('exported')!.octets)) as ReportData
  }
  file(): SessionFile {
    return this.last('saved')!.file
  }
}
