/** The same dialogue with a guest in the emulator and with the same image in QEMU. */
import { expect } from 'vitest'
import type { RunningMachine } from './guest-machine.js'
import type { QemuGuest } from './qemu-riscv32.js'

/** A console that is typed on and listened to. */
export type OtherConsole = Pick<QemuGuest, 'type' | 'expect'>

/** What is typed, and the text that ends the answer: the prompt. */
export type Exchange = readonly [typed: string, prompt: string]

/** Counter lines come when they come, and the prompt and what was typed are shown again after them. */
export const CLEAR_LINE = '\r\x1b[J'
export const withoutTicks = (text: string): string =>
  text.replace(/[\b]*\r\x1b\[J\[tick \d+\]\r\n[^\r\n]*?[#$>] ?/g, '')

/** Both must say the same, octet for octet, counter lines apart. Returns all that was said. */
export async function playBoth(
  ours: RunningMachine,
  theirs: OtherConsole,
  dialogue: readonly Exchange[],
): Promise<string> {
  let transcript = ''
  for (const [typed, prompt] of dialogue) {
    ours.type(typed)
    theirs.type(typed)
    const answer = withoutTicks(ours.expect(prompt))
    expect(withoutTicks(await theirs.expect(prompt)), JSON.stringify(typed)).toBe(answer)
    transcript += answer
  }
  return transcript
}

/** Both are told to power off, and end well. */
export async function powerOffBoth(ours: RunningMachine, theirs: QemuGuest): Promise<void> {
  ours.type('poweroff\r')
  theirs.type('poweroff\r')
  ours.run(1e8)
  expect(ours.machine.exit).toEqual({ kind: 'pass', code: 0 })
  expect(await theirs.ended()).toBe(0)
}
