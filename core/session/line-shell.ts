/** A shell's line editing: echo, backspace, cursor keys, history, and a prompt. Commands come from a subclass. */
import { InputError } from '../base/errors.js'
import type { Kernel } from '../kernel/kernel.js'

const HISTORY_LINES_MAX = 200
const LINE_CHARACTERS_MAX = 1000

/** Terminal colours by meaning: the window's theme says what they look like. */
export const ink = {
  attacker: (text: string): string => `\x1b[35m${text}\x1b[0m`,
  operator: (text: string): string => `\x1b[33m${text}\x1b[0m`,
  leak: (text: string): string => `\x1b[31m${text}\x1b[0m`,
  sealed: (text: string): string => `\x1b[36m${text}\x1b[0m`,
  good: (text: string): string => `\x1b[32m${text}\x1b[0m`,
  dim: (text: string): string => `\x1b[90m${text}\x1b[0m`,
  strong: (text: string): string => `\x1b[1m${text}\x1b[0m`,
} as const

export abstract class LineShell {
  private line = ''
  private cursor = 0
  private readonly history: string[] = []
  private historyIndex = 0
  private escape = ''
  private pendingOutput = ''

  constructor(
    private readonly kernel: Kernel,
    private readonly consoleName: string,
  ) {}

  /** The prompt, with its colours. */
  protected abstract prompt(): string
  /** Do what the line says, printing as it goes. An `InputError` is printed, anything else is our bug. */
  protected abstract execute(words: readonly string[], line: string): void
  /** Whole words that may stand where the cursor is, for the tabulator key. */
  protected abstract completions(line: string): readonly string[]

  /** What the terminal has to show since the last call. */
  takeOutput(): string {
    const output = this.pendingOutput
    this.pendingOutput = ''
    return output
  }

  /** Print lines; `\n` ends one. While somebody types, they appear above what is being typed. */
  protected print(text: string): void {
    this.pendingOutput += text.replace(/\r?\n/g, '\r\n')
  }

  /** Something happened by itself: say so above the prompt, and put the prompt back. */
  notify(text: string): void {
    this.pendingOutput += `\r\x1b[K${text.replace(/\n/g, '\r\n')}\r\n`
    this.redraw()
  }

  start(greeting: string): void {
    this.print(greeting)
    this.redraw()
  }

  /** Characters as a terminal sends them: text, carriage return, control codes, escape sequences. */
  type(text: string): void {
    for (const character of text) this.typeOne(character)
  }

  private typeOne(character: string): void {
    if (this.escape !== '' || character === '\x1b') {
      this.escape += character
      if (this.escape.length > 1 && /[A-Za-z~]$/.test(this.escape)) {
        const sequence = this.escape
        this.escape = ''
        this.control(sequence)
      } else if (this.escape.length > 32) this.escape = ''
      return
    }
    switch (character) {
      case '\r':
      case '\n':
        return this.submit()
      case '\x7f':
      case '\b':
        if (this.cursor > 0)
          this.edit(this.line.slice(0, this.cursor - 1) + this.line.slice(this.cursor), this.cursor - 1)
        return
      case '\x03':
        this.pendingOutput += '^C\r\n'
        return this.edit('', 0)
      case '\x15':
        return this.edit(this.line.slice(this.cursor), 0)
      case '\x01':
        return this.edit(this.line, 0)
      case '\x05':
        return this.edit(this.line, this.line.length)
      case '\t':
        return this.complete()
    }
    if (character < ' ' || this.line.length >= LINE_CHARACTERS_MAX) return
    if (this.cursor === this.line.length) {
      this.line += character
      this.cursor++
      this.pendingOutput += character
    } else this.edit(this.line.slice(0, this.cursor) + character + this.line.slice(this.cursor), this.cursor + 1)
  }

  private control(sequence: string): void {
    switch (sequence) {
      case '\x1b[A':
        return this.recall(this.historyIndex - 1)
      case '\x1b[B':
        return this.recall(this.historyIndex + 1)
      case '\x1b[C':
        return this.edit(this.line, Math.min(this.line.length, this.cursor + 1))
      case '\x1b[D':
        return this.edit(this.line, Math.max(0, this.cursor - 1))
      case '\x1b[H':
        return this.edit(this.line, 0)
      case '\x1b[F':
        return this.edit(this.line, this.line.length)
      case '\x1b[3~':
        return this.edit(this.line.slice(0, this.cursor) + this.line.slice(this.cursor + 1), this.cursor)
    }
  }

  private recall(index: number): void {
    if (index < 0 || index > this.history.length) return
    this.historyIndex = index
    const line = this.history[index] ?? ''
    this.edit(line, line.length)
  }

  private complete(): void {
    const before = this.line.slice(0, this.cursor)
    const word = /\S*$/.exec(before)?.[0] ?? ''
    const fitting = this.completions(before).filter((candidate) => candidate.startsWith(word))
    const [only] = fitting
    if (fitting.length === 1 && only !== undefined)
      this.edit(
        `${before.slice(0, before.length - word.length)}${only} ${this.line.slice(this.cursor)}`,
        before.length - word.length + only.length + 1,
      )
    else if (fitting.length > 1) this.notify(ink.dim(fitting.join('  ')))
  }

  private submit(): void {
    const { line } = this
    this.pendingOutput += '\r\n'
    this.line = ''
    this.cursor = 0
    const words = line
      .trim()
      .split(/\s+/)
      .filter((word) => word !== '')
    if (words.length > 0) {
      this.kernel.trace.add('command', { console: this.consoleName, text: line.trim() })
      if (this.history.at(-1) !== line) this.history.push(line)
      if (this.history.length > HISTORY_LINES_MAX) this.history.shift()
      try {
        this.execute(words, line.trim())
      } catch (error) {
        if (!(error instanceof InputError)) throw error
        this.print(`${ink.leak(error.message)}\n`)
      }
    }
    this.historyIndex = this.history.length
    this.redraw()
  }

  private edit(line: string, cursor: number): void {
    this.line = line
    this.cursor = cursor
    this.redraw()
  }

  private redraw(): void {
    const back = this.line.length - this.cursor
    this.pendingOutput += `\r\x1b[K${this.prompt()}${this.line}${back > 0 ? `\x1b[${back}D` : ''}`
  }
}
