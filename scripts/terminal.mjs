// What the scripts say and ask. Everything goes to standard error, so that a command's own output stays clean.
import { createInterface } from 'node:readline/promises'

/** @param {string} line */
export function say(line) {
  process.stderr.write(`${line}\n`)
}

/** A question may only be put to a person: both ends are terminals, and this is no CI run. */
export function isInteractive() {
  return Boolean(process.stdin.isTTY && process.stderr.isTTY && !process.env.CI)
}

/**
 * Ask for a yes or a no. Without a person to ask, the answer is no and nothing is read.
 * @param {string} question
 */
export async function askYes(question) {
  if (!isInteractive()) return false
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await lines.question(`${question} [y/N] `)
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    lines.close()
  }
}

/** @param {number} sinceMs from performance.now() */
export function secondsSince(sinceMs) {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`
}
