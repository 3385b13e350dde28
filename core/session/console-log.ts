/** Everything a terminal was ever told, up to a limit: a window that opens later shows it from the start. */
const CHARACTERS_MAX = 1_000_000

export class ConsoleLog {
  private text = ''
  /** Characters dropped from the front. */
  private dropped = 0

  append(text: string): void {
    this.text += text
    if (this.text.length <= CHARACTERS_MAX) return
    const excess = this.text.length - CHARACTERS_MAX / 2
    this.text = this.text.slice(excess)
    this.dropped += excess
  }

  /** Characters ever written. */
  get end(): number {
    return this.dropped + this.text.length
  }

  /** What was written from character `position` on. */
  from(position: number): string {
    return this.text.slice(Math.max(0, position - this.dropped))
  }
}
