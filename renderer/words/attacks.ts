/** Attacks in the window's words. */
import type { Verdict } from '../engine/contract.js'

/** With the colour that means the same everywhere: what is in clear is lost, what is sealed is safe. */
export const verdictTones = {
  succeeded: 'clear',
  detected: 'control',
  residual: 'control',
  stopped: 'sealed',
  'not applicable': 'none',
} as const satisfies Record<Verdict, string>

export const verdictTitles: Readonly<Record<Verdict, string>> = {
  succeeded: 'Succeeded',
  detected: 'Succeeded, and was seen',
  residual: 'Got a part of it',
  stopped: 'Stopped',
  'not applicable': 'Not applicable',
}
