/** What is wrong in a display filter that somebody typed. */
import { InputError } from '../../base/errors.js'

export class FilterError extends InputError {
  /** `start` and `end` are places in the text, from 0; `suggestions` are names that were perhaps meant. */
  constructor(
    readonly reason: string,
    readonly start: number,
    readonly end: number,
    readonly suggestions: readonly string[] = [],
  ) {
    const hint = suggestions.length === 0 ? '' : ` Did you mean ${suggestions.join(', ')}?`
    super(`column ${start + 1}: ${reason}${hint}`)
  }
}
