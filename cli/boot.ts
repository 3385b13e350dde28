/** `boot`: one program on a machine of its own, from an ELF file or a flat image, with its console on this terminal. */
import { readFile } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { parseArgs } from 'node:util'
import { InputError, WireError } from '../core/base/errors.js'
import { milliseconds, parseDuration, parseOctets } from '../core/base/units.js'
import { PROGRAM_MAC, ProgramRun, type ProgramOptions, type ProgramState } from '../core/machine/program-run.js'
import { machineFromFile } from '../core/migration/machine-file.js'
import { expectWritable, openOutput } from './output.js'
import { quantity } from './quantities.js'

/** A program nobody watches ends after so many. */
const INSTRUCTIONS_MAX = 1e9
/** Instructions between two looks at the keyboard and the clock: some milliseconds. */
const BURST = 1e6
const REST_MS = 5
/** Virtual time from which a file is typed: a program that sets up its serial port empties it of what came before. */
const TYPING_FROM_NS = milliseconds(100)
/** Ctrl+], as in telnet. */
const ESCAPE = 0x1d
const FLAT_NAMES: ReadonlySet<string> = new Set(['.bin', '.img', '.raw', '.flat'])

type ExitReason = ProgramState | 'max-instructions' | 'max-time' | 'interrupted'

export async function bootCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      flat: { type: 'boolean', default: false },
      ram: { type: 'string', default: '16MiB' },
      'exit-on': { type: 'string' },
      'max-instructions': { type: 'string' },
      'max-time': { type: 'string' },
      input: { type: 'string' },
      json: { type: 'string' },
      incoming: { type: 'string' },
    },
  })
  const { incoming } = values
  const [path, ...rest] = incoming === undefined ? positionals : [incoming, ...positionals]
  if (path === undefined || rest.length > 0)
    throw new InputError('name one image: boot program.elf, or one saved machine: boot --incoming guest.qevm')
  const exitOn = values['exit-on']
  if (exitOn !== undefined && exitOn !== 'tohost')
    throw new InputError(`--exit-on ${exitOn}: the one thing to end on is tohost`)
  if (incoming !== undefined && (values.flat || exitOn !== undefined))
    throw new InputError('--incoming is a whole machine with its program: --flat and --exit-on go with an image')
  const isFlat = values.flat || FLAT_NAMES.has(extname(path))
  const image = await contentsOf(path)
  const typed = values.input === undefined ? null : await contentsOf(values.input === '-' ? '/dev/stdin' : values.input)
  const ramOctets = quantity('ram', values.ram, parseOctets)
  const isInteractive = process.stdin.isTTY && typed === null && values.json !== '-'
  const instructionsMax = wholeNumber(values['max-instructions']) ?? (isInteractive ? Infinity : INSTRUCTIONS_MAX)
  const untilNs = values['max-time'] === undefined ? Infinity : quantity('max-time', values['max-time'], parseDuration)
  const output = openOutput(values.json)
  await expectWritable(values.json === '-' ? undefined : values.json)

  const run =
    incoming === undefined
      ? open(path, image, { ramOctets, isFlat, exitOnTohost: exitOn === 'tohost' })
      : goOnWith(path, image)
  const console = new ProgramConsole(run, typed, values.json === '-' ? process.stderr : process.stdout)
  const { exitReason, seconds } = await play(run, console, { instructionsMax, untilNs, isInteractive })

  const tohost = exitOn === undefined ? null : run.tohost
  const mips = run.instructions / 1e6 / Math.max(seconds, 1e-6)
  if (!console.isAtLineStart) output.line()
  output.table(
    ['', ''],
    [
      ['ended by', words[exitReason] + (run.exitCode === 0 ? '' : `, code ${run.exitCode}`)],
      ...(tohost === null ? [] : [['tohost', `0x${tohost.toString(16)}${meaning(tohost)}`]]),
      ['instructions', run.instructions.toLocaleString('en')],
      ['speed', `${mips.toFixed(1)} MIPS`],
      ['virtual time', `${(run.nowNs / 1e6).toFixed(3)} ms`],
    ],
  )
  await output.json({
    image: basename(path),
    exitReason,
    exitCode: run.exitCode,
    tohost,
    instructions: run.instructions,
    mips: Number(mips.toFixed(3)),
    seconds,
    virtualNs: run.nowNs,
  })
  const isMissed = exitOn === 'tohost' && tohost !== 1 && exitReason !== 'pass'
  return exitReason === 'fail' || isMissed ? 1 : 0
}

const words: Readonly<Record<ExitReason, string>> = {
  running: 'nothing',
  pass: 'the test finisher: pass',
  fail: 'the test finisher: fail',
  reset: 'the test finisher: reset',
  tohost: 'a store to tohost',
  asleep: 'sleep: it waits for an interrupt that nothing will raise',
  'max-instructions': 'the limit on instructions',
  'max-time': 'the limit on virtual time',
  interrupted: 'you',
}

/** As the architecture's test programs use the word: 1 for a pass, else twice the number of the failed case plus 1. */
function meaning(tohost: number): string {
  if (tohost === 0) return ': nothing was stored'
  return tohost === 1 ? ': passed' : tohost % 2 === 1 ? `: case ${tohost >>> 1} failed` : ''
}

async function contentsOf(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path))
  } catch (error) {
    throw new InputError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function open(path: string, image: Uint8Array, options: ProgramOptions): ProgramRun {
  try {
    return ProgramRun.load(image, options)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    const hint = error.reason === 'not an ELF file' ? '; for a flat image name it .bin or add --flat' : ''
    throw new InputError(`${path}, octet ${error.offset}: ${error.reason}${hint}`)
  }
}

/** A guest that was saved goes on: how much RAM it has, its stream says. */
function goOnWith(path: string, stream: Uint8Array): ProgramRun {
  try {
    return new ProgramRun(machineFromFile(stream, Uint8Array.from(PROGRAM_MAC)))
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    throw new InputError(`${path}, octet ${error.offset}: ${error.reason}`)
  }
}

function wholeNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text.replaceAll(/[_,]/g, ''))
  if (!Number.isSafeInteger(value) || value <= 0)
    throw new InputError(`--max-instructions ${text}: give a whole number above 0`)
  return value
}

interface Limits {
  readonly instructionsMax: number
  readonly untilNs: number
  readonly isInteractive: boolean
}

/** Bursts of instructions, between which keys are read; at a terminal virtual time keeps to the clock on the wall. */
async function play(
  run: ProgramRun,
  console: ProgramConsole,
  { instructionsMax, untilNs, isInteractive }: Limits,
): Promise<{ exitReason: ExitReason; seconds: number }> {
  const started = performance.now()
  let busyMs = 0
  const stop = (): void => void (console.isInterrupted = true)
  process.once('SIGINT', stop)
  if (isInteractive) console.readKeys()
  try {
    for (;;) {
      const before = performance.now()
      const limitNs = isInteractive ? milliseconds(before - started) : nextStopNs(run.nowNs)
      run.advance(Math.min(BURST, instructionsMax - run.instructions), Math.min(untilNs, limitNs))
      busyMs += performance.now() - before
      console.print()
      const isAsleep = run.state === 'asleep'
      const hasTyped = (isAsleep || run.nowNs >= TYPING_FROM_NS) && console.type()
      const isOver = run.state !== 'running' && !(isAsleep && (isInteractive || hasTyped))
      const exitReason = console.isInterrupted
        ? 'interrupted'
        : isOver
          ? run.state
          : run.instructions >= instructionsMax
            ? 'max-instructions'
            : run.nowNs >= untilNs
              ? 'max-time'
              : null
      if (exitReason !== null) return { exitReason, seconds: busyMs / 1000 }
      await new Promise((resolve) => (isInteractive ? setTimeout(resolve, REST_MS) : setImmediate(resolve)))
    }
  } finally {
    process.off('SIGINT', stop)
    console.close()
  }
}

function nextStopNs(nowNs: number): number {
  return nowNs < TYPING_FROM_NS ? TYPING_FROM_NS : Infinity
}

/** The program's serial port on one side, this process's input and output on the other. */
class ProgramConsole {
  isInterrupted = false
  isAtLineStart = true
  private waiting: Uint8Array

  constructor(
    private readonly run: ProgramRun,
    typed: Uint8Array | null,
    private readonly out: NodeJS.WriteStream,
  ) {
    this.waiting = typed ?? new Uint8Array(0)
  }

  readKeys(): void {
    process.stdin.setRawMode(true).resume().on('data', this.keyPressed)
  }

  /** As much of what waits as the serial port has room for; false for none. */
  type(): boolean {
    const taken = this.run.machine.console.receive(this.waiting)
    this.waiting = this.waiting.subarray(taken)
    return taken > 0
  }

  print(): void {
    const octets = this.run.machine.console.takeOutput()
    if (octets.length === 0) return
    this.isAtLineStart = octets.at(-1) === 0x0a
    this.out.write(octets)
  }

  close(): void {
    process.stdin.off('data', this.keyPressed)
    if (!process.stdin.isTTY || !process.stdin.isRaw) return
    process.stdin.setRawMode(false)
    process.stdin.pause()
  }

  private readonly keyPressed = (octets: Buffer): void => {
    if (octets.includes(ESCAPE)) this.isInterrupted = true
    else {
      this.waiting = Buffer.concat([this.waiting, octets])
      this.type()
    }
  }
}
