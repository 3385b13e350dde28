import { describe, expect, test } from 'vitest'
import { InputError, WireError } from '../../../core/base/errors.js'
import { latin1Octets, latin1Text } from '../../../core/base/octets.js'
import { RAM_BASE } from '../../../core/cpu/memory.js'
import { ProgramRun } from '../../../core/machine/program-run.js'
import { assemble } from '../../support/assembler.js'
import { elfFile } from '../../support/elf-file.js'
import { guestImage, MIB } from '../../support/guest-machine.js'

const TOHOST = 0x8000_1000
const flat = { ramOctets: MIB, isFlat: true, exitOnTohost: false }

function runToEnd(run: ProgramRun): ProgramRun {
  run.advance(1e5)
  return run
}

function elf(program: string): Uint8Array {
  const octets = [...assemble(program)]
  const segment = { address: RAM_BASE, octets, memoryOctets: octets.length }
  return elfFile(RAM_BASE, [segment], { tohost: TOHOST })
}

describe('ProgramRun', () => {
  test.each([
    ['0x5555', 'pass', 0],
    ['0x73333', 'fail', 7],
    ['0x7777', 'reset', 0],
  ])('ends with the test finisher: %s', (word, state, code) => {
    const run = runToEnd(
      ProgramRun.load(assemble(`li t0, 0x100000\nli t1, ${word}\nsw t1, 0(t0)\nspin:\nj spin`), flat),
    )
    expect([run.state, run.exitCode, run.instructions]).toEqual([state, code, 5])
  })

  test.each([
    ['sw', 'sw t1, 0(t0)'],
    ['sh', 'sh t1, 0(t0)'],
    ['sb, its upper half', 'sb t1, 3(t0)'],
    ['amoswap', 'amoswap.w zero, t1, (t0)'],
    ['misaligned, from the word before', 'sh t1, -1(t0)'],
  ])('ends at the very instruction that leaves something in tohost: %s', (_, store) => {
    const program = `li t0, ${TOHOST}\nli t1, 257\nsw zero, 0(t0)\nnop\n${store}\nspin:\nj spin`
    const run = runToEnd(ProgramRun.load(elf(program), { ramOctets: MIB, isFlat: false, exitOnTohost: true }))
    expect([run.state, run.instructions]).toEqual(['tohost', 7])
    expect(run.tohost).not.toBe(0)
  })

  test('ends at once when something is in tohost that no instruction put there', () => {
    const octets = [...assemble('spin:\nj spin'), 3, 0, 0, 0]
    const image = elfFile(RAM_BASE, [{ address: RAM_BASE, octets, memoryOctets: 8 }], { tohost: RAM_BASE + 4 })
    const run = runToEnd(ProgramRun.load(image, { ramOctets: MIB, isFlat: false, exitOnTohost: true }))
    expect([run.state, run.instructions, run.tohost]).toEqual(['tohost', 0, 3])
  })

  test('does not look at tohost unless it is asked to, and says when there is none', () => {
    const program = `li t0, ${TOHOST}\nli t1, 1\nsw t1, 0(t0)\nwfi`
    expect(runToEnd(ProgramRun.load(elf(program), { ...flat, isFlat: false })).state).toBe('asleep')
    expect(() => ProgramRun.load(guestImage('shell'), { ramOctets: MIB, isFlat: false, exitOnTohost: true })).toThrow(
      InputError,
    )
    for (const tohost of [0x1000, RAM_BASE + 2, RAM_BASE + MIB]) {
      const lying = elfFile(RAM_BASE, [{ address: RAM_BASE, octets: [0], memoryOctets: 4 }], { tohost })
      expect(() => ProgramRun.load(lying, { ramOctets: MIB, isFlat: false, exitOnTohost: true })).toThrow(InputError)
    }
  })

  test('goes the same way in however many parts it is run', () => {
    const states = [1, 7, 2500, 40_000].map((part) => {
      const run = ProgramRun.load(guestImage('shell'), { ramOctets: 2 * MIB, isFlat: false, exitOnTohost: false })
      while (run.instructions < 120_000) run.advance(Math.min(part, 120_000 - run.instructions))
      return {
        instructions: run.instructions,
        nowNs: run.nowNs,
        devices: run.machine.devices.map((device) => device.saveState()),
        said: latin1Text(run.machine.console.takeOutput()),
      }
    })
    for (const state of states) expect(state).toEqual(states[0])
  })

  test('asleep for good, until something is typed', () => {
    const run = ProgramRun.load(guestImage('shell'), { ramOctets: 2 * MIB, isFlat: false, exitOnTohost: false })
    run.advance(1e9, 2e9)
    expect([run.state, run.nowNs]).toEqual(['running', 2e9])
    run.machine.console.receive(latin1Octets('alice\r'))
    run.advance(1e9, 2.1e9)
    expect(latin1Text(run.machine.console.takeOutput())).toMatch(/login: alice\r\nPassword: $/)
    const idle = runToEnd(ProgramRun.load(assemble('loop:\nwfi\nj loop'), flat))
    expect([idle.state, idle.instructions]).toEqual(['asleep', 1])
    const enabled = 'li t0, 0x10000000\nli t1, 1\nsb t1, 1(t0)\nli t0, 0x0c000028\nsw t1, 0(t0)\nli t0, 0x0c002000'
    const program = `${enabled}\nli t1, 0x400\nsw t1, 0(t0)\nli t1, 0x800\ncsrw mie, t1\nwfi\nspin:\nj spin`
    const listening = runToEnd(ProgramRun.load(assemble(program), flat))
    expect(listening.state).toBe('asleep')
    listening.machine.console.receive(latin1Octets('x'))
    listening.advance(100)
    expect(listening.state).toBe('running')
  })

  test('refuses what is no image', () => {
    expect(() => ProgramRun.load(new Uint8Array(0), flat)).toThrow(WireError)
    expect(() => ProgramRun.load(new Uint8Array(MIB + 1), flat)).toThrow(WireError)
    expect(() => ProgramRun.load(latin1Octets('#!/bin/sh'), { ...flat, isFlat: false })).toThrow(WireError)
  })
})
