/** The machine alone: instructions a second beside QEMU's, the start of a guest, and what idle guests cost. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { latin1Text } from '../../core/base/octets.js'
import { keepGraph } from '../../core/base/snapshot.js'
import { milliseconds, seconds } from '../../core/base/units.js'
import { VirtualMachine, type VmOwner } from '../../core/hypervisor/virtual-machine.js'
import { HostCores } from '../../core/kernel/cores.js'
import { Kernel } from '../../core/kernel/kernel.js'
import { SHELL_DEFAULTS, writeGuestParameters } from '../../core/machine/guest-parameters.js'
import { HART_HZ } from '../../core/machine/machine.js'
import { ProgramRun } from '../../core/machine/program-run.js'
import shell from '../../labs/guests/shell.elf'
import { add, median, MIB, printMeasures, ROUNDS, time } from './measures.js'
import integer from './programs/integer.elf'
import lists from './programs/lists.elf'
import sha256 from './programs/sha256.elf'
import sieve from './programs/sieve.elf'
import writer from './programs/writer.elf'
import { bareMachine } from '../support/bare-machine.js'

const programs = { 'integer loop': integer, sieve, 'SHA-256': sha256, 'linked lists': lists, 'memory writer': writer }
/** Instructions between two readings of the dirty log: 20 ms of the guest's time. */
const ROUND_INSTRUCTIONS = 1e6

class Silent implements VmOwner {
  said = ''
  consoleWrote(_vm: VirtualMachine, octets: Uint8Array): void {
    this.said += latin1Text(octets)
  }
  vmStateChanged(): void {}
}

function runLogging(image: Uint8Array): ProgramRun {
  const run = ProgramRun.load(image, { ramOctets: 16 * MIB, isFlat: false, exitOnTohost: false })
  const { ram } = run.machine
  const dirty = new Uint32Array(ram.pageCount / 32)
  ram.startDirtyLog()
  while (run.state === 'running') {
    run.advance(ROUND_INSTRUCTIONS)
    ram.takeDirty(dirty)
  }
  return run
}

/** Wall time of the image in QEMU; NaN without QEMU. */
function qemuMs(image: Uint8Array): number {
  const folder = mkdtempSync(join(tmpdir(), 'midstream-bench-'))
  const path = join(folder, 'program.elf')
  writeFileSync(path, image)
  const args = ['-M', 'virt', '-m', '16M', '-bios', 'none', '-display', 'none', '-monitor', 'none', '-serial', 'null']
  const run = (): number => {
    const started = performance.now()
    const { status } = spawnSync('qemu-system-riscv32', [...args, '-kernel', path])
    return status === 0 ? performance.now() - started : NaN
  }
  const times = Array.from({ length: ROUNDS }, run)
  rmSync(folder, { recursive: true })
  return median(times)
}

/** The image, told how often to work and whether in user mode (programs/start.c). */
function toldTo(image: Uint8Array, repeats: number, userMode = false): Uint8Array {
  const octets = image.slice()
  const view = new DataView(octets.buffer)
  const textAt = view.getUint32(view.getUint32(28, true) + 4, true)
  view.setUint32(textAt + 4, repeats, true)
  view.setUint32(textAt + 8, userMode ? 1 : 0, true)
  return octets
}

const QEMU_REPEATS = 20

function measureSpeed(): void {
  const ours: number[] = []
  const startMs = qemuMs(toldTo(integer, 0))
  for (const [name, image] of Object.entries(programs)) {
    const { instructions } = runLogging(image)
    const mips = instructions / 1e3 / time(() => image, runLogging)
    ours.push(mips)
    add(`${name}: instructions a second, dirty log on`, mips, 'M/s')
    const theirs = (QEMU_REPEATS * instructions) / 1e3 / (qemuMs(toldTo(image, QEMU_REPEATS)) - startMs)
    if (!Number.isNaN(theirs)) add('  the same in QEMU, its start not counted', theirs, 'M/s')
  }
  const mean = Math.exp(ours.reduce((sum, mips) => sum + Math.log(mips), 0) / ours.length)
  for (const name of ['integer loop', 'memory writer'] as const) {
    const image = toldTo(programs[name], 1, true)
    const { instructions } = runLogging(image)
    add(`${name} in user mode, each access judged`, instructions / 1e3 / time(() => image, runLogging), 'M/s')
  }
  add('geometric mean of ours', mean, 'M/s', '150 or more')
}

function vmOf(kernel: Kernel, name: string, ramOctets: number, owner: VmOwner): VirtualMachine {
  const options = { name, mac: Uint8Array.of(2, 0, 0, 0, 0, 1), ramOctets, hartHz: HART_HZ }
  const vm = new VirtualMachine(kernel, options, new HostCores(kernel, name, 1), bareMachine, owner)
  vm.machine.loadElf(shell)
  writeGuestParameters(vm.machine.ram, { ...SHELL_DEFAULTS, pagesPerSecond: 0 })
  vm.resume()
  return vm
}

function untilPrompt(): void {
  const kernel = new Kernel('bench')
  const owner = new Silent()
  vmOf(kernel, 'guest', 64 * MIB, owner)
  while (!owner.said.includes('login: ')) kernel.runUntil(kernel.nowNs + milliseconds(1))
}
/** First of all, before anything else has left its traces in the process. */
const collect = (globalThis as { gc?: () => void }).gc
untilPrompt()
collect?.()
const before = process.memoryUsage.rss()
const idle = Array.from({ length: 8 }, (_, index) => {
  const kernel = new Kernel('bench')
  const vm = vmOf(kernel, `guest ${index}`, 64 * MIB, new Silent())
  kernel.runUntil(seconds(5))
  return vm
})
collect?.()
add('memory of an idle 64 MiB guest', (process.memoryUsage.rss() - before) / idle.length / MIB, 'MiB', 'under 8')

measureSpeed()
const firstStartMs = time(() => undefined, untilPrompt, 1)
add(
  'start of a 64 MiB guest to its prompt',
  time(() => undefined, untilPrompt),
  'ms',
  'under 50',
)
add('  the first in a process (after the programs above)', firstStartMs, 'ms')

function idleGuests(count: number): Kernel {
  const kernel = new Kernel('bench')
  for (let index = 0; index < count; index++) vmOf(kernel, `guest ${index}`, 16 * MIB, new Silent())
  kernel.runUntil(seconds(3))
  return kernel
}
const idleMs = time(
  () => idleGuests(16),
  (kernel) => kernel.runUntil(kernel.nowNs + seconds(10)),
)
add('sixteen idle guests: share of a core', (idleMs / 10_000) * 100, '%', 'under 2')

const big = ProgramRun.load(writer, { ramOctets: 64 * MIB, isFlat: false, exitOnTohost: false })
big.machine.ram.octets.fill(0x5a, 16 * MIB)
for (let page = 4096; page < big.machine.ram.pageCount; page++) big.machine.ram.markDirty(page)
big.advance(1e7)
add(
  'keeping a machine with 56 MiB in use, the first time',
  time(
    () => undefined,
    () => void keepGraph(big.machine),
    1,
  ),
  'ms',
)
const again = time(
  () => big.advance(5e5),
  () => void keepGraph(big.machine),
)
add('  again, after 10 ms of a memory writer', again, 'ms')
const state = keepGraph(big.machine)
add(
  '  coming back to it',
  time(
    () => undefined,
    () => void state.restore(),
  ),
  'ms',
)
printMeasures()
