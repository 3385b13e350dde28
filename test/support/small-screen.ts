/**
 * As much of a terminal's screen as a line editor needs: rows that wrap, backspace with reverse wrap-around (DECSET 45, as
 * xterm.js has it: only over the end of a row that was wrapped), erasing to the end of the screen, clearing it.
 */
export class SmallScreen {
  private rows: string[] = ['']
  /** Rows that go on from the one above. */
  private wrapped = [false]
  /** `x` may be `columns`: the row is full, and the next character goes to the next one. */
  private x = 0
  private y = 0

  constructor(private readonly columns: number) {}

  write(text: string): void {
    for (const [part] of text.matchAll(/\x1b\[\??\d*[A-Za-z]|[^]/g)) {
      if (part === '\x1b[J') this.eraseBelow()
      else if (part === '\x1b[2J' || part === '\x1b[H') this.clear()
      else if (part === '\r') this.x = 0
      else if (part === '\n') this.lineFeed(false)
      else if (part === '\b') this.back()
      else if (part >= ' ') this.put(part)
      else if (part !== '\x1b[?45h') throw new Error(`the screen was told ${JSON.stringify(part)}`)
    }
  }

  /** The last line, put together from its rows, and where in it the cursor is. */
  lastLine(): { readonly text: string; readonly cursor: number } {
    const start = this.wrapped.lastIndexOf(false)
    return { text: this.rows.slice(start).join(''), cursor: (this.y - start) * this.columns + this.x }
  }

  /** All rows, those of a wrapped line put together. */
  text(): string {
    return this.rows.map((row, y) => (y > 0 && this.wrapped[y] !== true ? `\n${row}` : row)).join('')
  }

  private put(character: string): void {
    if (this.x === this.columns) {
      this.lineFeed(true)
      this.x = 0
    }
    const row = (this.rows[this.y] ?? '').padEnd(this.x)
    this.rows[this.y] = row.slice(0, this.x) + character + row.slice(this.x + 1)
    this.x++
  }

  private lineFeed(isWrap: boolean): void {
    this.y++
    this.rows[this.y] ??= ''
    this.wrapped[this.y] = isWrap
  }

  private back(): void {
    if (this.x > 0) this.x--
    else if (this.wrapped[this.y] === true) {
      this.y--
      this.x = this.columns - 1
    }
  }

  private eraseBelow(): void {
    this.rows[this.y] = (this.rows[this.y] ?? '').slice(0, this.x)
    this.rows.length = this.y + 1
    this.wrapped.length = this.y + 1
  }

  private clear(): void {
    this.rows = ['']
    this.wrapped = [false]
    this.x = 0
    this.y = 0
  }
}
