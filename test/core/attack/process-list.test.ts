/** The guest's processes, found in captured memory, are those that its own `ps` shows. */
import { describe, expect, it } from 'vitest'
import { analyseFile } from '../../../core/attack/capture-file.js'
import { findProcesses } from '../../../core/attack/process-list.js'
import { writeU32le } from '../../../core/base/octets.js'
import { seconds } from '../../../core/base/units.js'
import { ImageBlock } from '../../../core/migration/wire/ram-image.js'
import { RandomStream } from '../../../core/kernel/random.js'
import { bootedSession, migrateToEnd } from '../../support/lab-session.js'

describe('processes in captured memory', () => {
  it('are those that the kernel itself lists', () => {
    const session = bootedSession({ seed: 'processes', image: 'tenant' })
    session.do({ kind: 'type', console: 'guest', text: 'ps\r' })
    session.runFor(seconds(0.2))
    const said = session.trace.rows('console-line').flatMap(({ text }) => {
      const [, name, from, to, state] = /tenant (\w) (0x\w+) to (0x\w+) (\w+)/.exec(text) ?? []
      return name === undefined ? [] : [{ name, from, to, state }]
    })
    expect(said.map(({ name }) => name)).toEqual(['A', 'B'])
    migrateToEnd(session)
    const { streams } = analyseFile(session.world.rack.tap.toPcapng()).report
    const processes = streams.flatMap((stream) => stream.processes)
    expect(processes.map(({ name, from, to, state }) => ({ name, from, to, state }))).toEqual(said)
    for (const { packets } of processes) expect(packets.length).toBeGreaterThan(0)

    session.do({ kind: 'type', console: 'attacker', text: 'pslist\r' })
    const shown = session.world.consoles.attacker.from(0)
    for (const { from, to } of said) expect(shown).toContain(`${from} to ${to}`)
  })

  it.each(['shell', 'web'])('are none in a guest of one program: %s', (image) => {
    const session = bootedSession({ seed: 'processes', image })
    migrateToEnd(session)
    const { streams } = analyseFile(session.world.rack.tap.toPcapng()).report
    expect(streams.flatMap((stream) => stream.processes)).toEqual([])
    session.do({ kind: 'type', console: 'attacker', text: 'pslist\r' })
    expect(session.world.consoles.attacker.from(0)).toContain('No table of processes')
  })

  it('are told from what looks almost like them', () => {
    const base = 0x8000_0000
    const table = (changes: Readonly<Record<number, number>> = {}): ImageBlock => {
      const block = new ImageBlock('riscv_virt_board.ram', 4 * 4096)
      const page = new Uint8Array(4096)
      const at = 8 * 100
      const words = { 0: base + 4, 4: base + 0x1000, 8: base + 0x1000, 12: base + 0x2000, 16: base + 0x3000 }
      const frame = { 32: 1, 48: 0, 56: base + 0x3000, 176: base + 0x1004 }
      page.set([0x69, 0x6e, 0x69, 0x74], 4)
      for (const [field, word] of Object.entries({ ...words, ...frame, ...changes }))
        writeU32le(page, at + Number(field), word)
      block.setPage(0, page)
      return block
    }
    expect(findProcesses(table())).toEqual([
      { offset: 800, name: 'init', state: 'asleep', from: base + 0x1000, to: base + 0x3000, pc: base + 0x1004 },
    ])
    for (const change of [
      { 0: base + 800 },
      { 0: 0 },
      { 4: base + 0x2000 },
      { 12: base + 0x4000 },
      { 16: base + 0x9000 },
      { 32: 4 },
      { 48: 1 },
      { 56: base + 0x1ffc },
      { 176: base + 0x2000 },
    ])
      expect([change, findProcesses(table(change))]).toEqual([change, []])
  })

  it('are none in noise, of whatever block', () => {
    const random = new RandomStream('noise')
    const block = new ImageBlock('riscv_virt_board.ram', 64 * 4096)
    for (let page = 0; page < 64; page++) {
      const octets = random.octets(4096)
      // Addresses of the block: the hardest noise.
      for (let at = 0; at < 4096; at += 4) writeU32le(octets, at, 0x8000_0000 + (random.u32() % (64 * 4096)))
      block.setPage(page, octets)
    }
    expect(findProcesses(block)).toEqual([])
    expect(findProcesses(new ImageBlock('elsewhere', 4096))).toEqual([])
  })
})
