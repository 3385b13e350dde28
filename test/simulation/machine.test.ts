/**
 * Whatever runs on a machine ends in traps or clean stops: random code, random register writes, spoilt images, noise on
 * the wire and the console. Nothing of ours throws, hangs or reaches outside, and the state that results can be moved.
 */
import { describe, expect, it } from 'vitest'
import { WireError } from '../../core/base/errors.js'
import { RAM_BASE } from '../../core/cpu/memory.js'
import { RandomStream } from '../../core/kernel/random.js'
import { Machine } from '../../core/machine/machine.js'
import { ProgramRun } from '../../core/machine/program-run.js'
import { assemble } from '../support/assembler.js'
import { GUEST_MAC, guestImage, MIB } from '../support/guest-machine.js'
import { randomProgram } from '../support/random-program.js'
import { simulationSeeds, withSeed } from '../support/seeds.js'

const seeds = simulationSeeds(20)
const SLICE = 2500
const SLICE_NS = 50_000

/** Every window of the board, and a little beyond each. */
const WINDOWS = [
  ...[0x0010_0000, 0x0010_1000, 0x0200_0000, 0x0200_4000, 0x0200_bff0, 0x0400_0000, 0x0c00_0000, 0x0c00_1000],
  ...[
    0x0c00_2000, 0x0c20_0000, 0x1000_0000, 0x1000_1000, 0x1000_1100, 0x1000_2000, 0x1000_8ff0, 0x0000_0000, 0x3000_0000,
  ],
]

function noise(machine: Machine, random: RandomStream): void {
  if (random.below(4) === 0) machine.console.receive(random.octets(random.below(40)))
  if (random.below(4) === 0) machine.nic.receiveFrame(random.octets(14 + random.below(1500)))
  machine.nic.takeFrames()
  machine.console.takeOutput()
}

/** Run slices with noise in between; the guest may stop by itself. */
function runNoisily(machine: Machine, random: RandomStream, slices: number, nowNs = 0): number {
  for (let slice = 0; slice < slices; slice++, nowNs += SLICE_NS) {
    const { executed, state } = machine.runSlice(nowNs, SLICE)
    expect(executed).toBeGreaterThanOrEqual(0)
    expect(executed).toBeLessThanOrEqual(SLICE)
    if (state === 'halted') break
    noise(machine, random)
  }
  return nowNs
}

/** The machine's state, moved to another as a migration does, saves to the same state there. */
function expectMovable(machine: Machine, nowNs: number): void {
  machine.pause(nowNs)
  const other = new Machine({ ramOctets: machine.ram.octets.length, nicMac: GUEST_MAC })
  for (const [index, device] of machine.devices.entries()) other.devices[index]!.loadState(device.saveState())
  const stateOf = (each: Machine): unknown => each.devices.map((device) => device.saveState())
  expect(stateOf(other)).toEqual(stateOf(machine))
}

/** Straight-line code that stores and loads in the board's windows; what traps is skipped. */
function pokingProgram(random: RandomStream): string {
  const lines = Array.from({ length: 250 }, () => {
    const address = random.pick(WINDOWS) + random.below(random.pick([8, 64, 256, 4096]))
    const access = random.pick(['sw', 'sw', 'sw', 'sh', 'sb', 'lw', 'lw', 'lh', 'lbu'])
    const value = random.pick([
      random.u32() | 0,
      random.below(256),
      1 << random.below(32),
      0,
      -1,
      RAM_BASE + 4 * random.below(4096),
    ])
    return `li t0, ${address}\nli t1, ${value}\n${access} t1, 0(t0)`
  })
  return `
      la t0, handler
      csrw mtvec, t0
      j start
    handler:
      csrr t2, mepc
      addi t2, t2, 4
      csrw mepc, t2
      li t3, 0x1800
      csrrs zero, mstatus, t3
      mret
    start:
      ${lines.join('\n')}
    end:
      j start`
}

describe('a machine under random input', () => {
  it.each(seeds)('random code (%s)', (seed) =>
    withSeed(seed, () => {
      const random = new RandomStream(`machine code ${seed}`)
      const machine = new Machine({ ramOctets: MIB, nicMac: GUEST_MAC })
      machine.loadFlat(randomProgram(random), RAM_BASE)
      for (let page = 1; page < 4; page++) machine.ram.write(page * 4096, randomProgram(random))
      machine.ram.startDirtyLog()
      expectMovable(machine, runNoisily(machine, random, 60))
    }),
  )

  it.each(seeds)('random accesses to every device (%s)', (seed) =>
    withSeed(seed, () => {
      const random = new RandomStream(`machine devices ${seed}`)
      const machine = new Machine({ ramOctets: MIB, nicMac: GUEST_MAC })
      machine.loadFlat(assemble(pokingProgram(random)), RAM_BASE)
      // Rings and buffers that a network device set up at random may find.
      for (let page = 4; page < 16; page++) machine.ram.write(page * 4096, random.octets(4096))
      expectMovable(machine, runNoisily(machine, random, 60))
    }),
  )

  it.each(seeds)('spoilt images: refused, or run until they trap or stop (%s)', (seed) =>
    withSeed(seed, () => {
      const random = new RandomStream(`machine images ${seed}`)
      const good = Uint8Array.from(guestImage('shell'))
      let ran = 0
      for (let attempt = 0; attempt < 30; attempt++) {
        const image = good.slice(0, random.below(8) === 0 ? random.below(good.length) : good.length)
        const headers = random.below(2) === 0
        for (let flips = 1 + random.below(20); flips > 0; flips--)
          image[random.below(headers ? Math.min(256, image.length) : image.length)] = random.below(256)
        try {
          const run = ProgramRun.load(image, {
            ramOctets: 2 * MIB,
            isFlat: random.below(10) === 0,
            exitOnTohost: false,
          })
          run.advance(30_000)
          expect(run.instructions).toBeLessThanOrEqual(30_000)
          ran++
        } catch (error) {
          if (!(error instanceof WireError)) throw error
        }
      }
      expect(ran).toBeGreaterThan(0)
    }),
  )

  it.each(seeds)('a guest whose memory is spoilt while it runs, under noise (%s)', (seed) =>
    withSeed(seed, () => {
      const random = new RandomStream(`machine guest ${seed}`)
      const machine = new Machine({ ramOctets: 2 * MIB, nicMac: GUEST_MAC })
      machine.loadElf(guestImage(random.pick(['shell', 'shell-b'])))
      let nowNs = runNoisily(machine, random, 400)
      for (let round = 0; round < 5; round++) {
        for (let spoilt = 0; spoilt < 20; spoilt++)
          machine.ram.write(random.below(0x40000), random.octets(1 + random.below(4)))
        nowNs = runNoisily(machine, random, 100, nowNs + SLICE_NS)
      }
      expectMovable(machine, nowNs)
    }),
  )
})
