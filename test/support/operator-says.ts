import type { Session } from '../../core/session/session.js'
import type { ConsoleName } from '../../core/session/world.js'

const withoutColours = (text: string): string => text.replace(/\x1b\[[0-9;]*[A-Za-z]/g, '')

/** What a shell prints when `line` is typed, without colours, the echo and the prompt after it. */
export function says(session: Session, console: ConsoleName, line: string): string {
  const printed = printedSince(session, console, () => session.do({ kind: 'type', console, text: `${line}\r` }))
  return printed.split('\r\n').slice(1, -1).join('\n')
}

/** All that a shell prints while something is done, without colours. */
export function printedSince(session: Session, console: ConsoleName, act: () => void): string {
  const log = session.world.consoles[console]
  const before = log.from(0).length
  act()
  return withoutColours(log.from(0).slice(before))
}
