import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { latin1Text } from '../../../core/base/octets.js'
import { RandomStream } from '../../../core/kernel/random.js'
import { Machine } from '../../../core/machine/machine.js'
import { accessesTo, BOARD_REGISTERS } from '../../support/board-registers.js'
import { GUEST_MAC, MIB } from '../../support/guest-machine.js'
import { requireQemu } from '../../support/qemu-riscv32.js'
import { readRegisterOutput, registerProgram, type RegisterAccess } from '../../support/register-program.js'

/** Features of QEMU's network device that ours does not offer. */
const WITHOUT = [
  ...['mrg_rxbuf', 'csum', 'guest_csum', 'gso', 'guest_tso4', 'guest_tso6', 'guest_ecn', 'guest_ufo', 'host_tso4'],
  ...['host_tso6', 'host_ecn', 'host_ufo', 'ctrl_vq', 'ctrl_rx', 'ctrl_vlan', 'ctrl_rx_extra', 'ctrl_mac_addr', 'mq'],
  ...[
    'ctrl_guest_offloads',
    'event_idx',
    'indirect_desc',
    'any_layout',
    'guest_announce',
    'notify_on_empty',
    'queue_reset',
  ],
].map((feature) => `,${feature}=off`)

beforeAll(requireQemu)

/** What the program prints in QEMU. Its first transport is ours; by itself it would take the last. */
function runInQemu(program: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'registers-'))
  const [image, output] = [join(folder, 'program.bin'), join(folder, 'output')]
  writeFileSync(image, program)
  const { status, stderr } = spawnSync(
    'qemu-system-riscv32',
    [
      ...['-M', 'virt', '-m', '16M', '-bios', 'none', '-device', `loader,file=${image},addr=0x80000000`],
      ...['-display', 'none', '-monitor', 'none', '-nic', 'none', '-serial', `file:${output}`],
      ...['-global', 'virtio-mmio.force-legacy=false', '-device'],
      `virtio-net-device,bus=virtio-mmio-bus.0,mac=52:54:00:12:34:56${WITHOUT.join('')}`,
    ],
    { timeout: 20_000, encoding: 'latin1' },
  )
  const text = readFileSync(output, 'latin1')
  rmSync(folder, { recursive: true })
  if (status !== 0) throw new Error(`QEMU ended with ${status}: ${stderr}`)
  return text
}

function runInOurs(program: Uint8Array): string {
  const machine = new Machine({ ramOctets: MIB, nicMac: GUEST_MAC })
  machine.loadFlat(program, 0x8000_0000)
  const { state } = machine.runSlice(0, 1e7)
  if (state !== 'halted') throw new Error(`the program is ${state}`)
  return latin1Text(machine.console.takeOutput())
}

type Results = ReturnType<typeof readRegisterOutput>
const runInBoth = (program: Uint8Array): [Results, Results] => [
  readRegisterOutput(runInOurs(program)),
  readRegisterOutput(runInQemu(program)),
]

const [RTC, PLIC, UART] = [0x10_1000, 0x0c00_0000, 0x1000_0000]
const load = (address: number, width: 1 | 4 = 4): RegisterAccess => ({ address, width })
const store = (address: number, value: number, width: 1 | 4 = 4): RegisterAccess => ({ address, width, store: value })
const [pending, claim] = [load(PLIC + 0x1000), load(PLIC + 0x20_0004)]
const complete = (source: number): RegisterAccess => store(PLIC + 0x20_0004, source)
const ring = [store(RTC + 0x0c, 0), store(RTC + 0x08, 1)]
const silence = store(RTC + 0x1c, 1)
const transmitterEmpty = [store(UART + 1, 0, 1), store(UART + 1, 2, 1)]
const acknowledge = load(UART + 2, 1)

/** Clock and serial port interrupt through the PLIC: every access gives the same in both. */
const INTERRUPTS: readonly RegisterAccess[] = [
  ...[store(PLIC + 40, 3), store(PLIC + 44, 5), store(PLIC + 0x2000, 0xc00), store(RTC + 0x10, 1)],
  // One after the other; each stays pending after its line fell.
  ...[...ring, load(RTC + 0x18), pending, claim, pending, claim, silence, complete(11), pending],
  ...[...transmitterEmpty, pending, acknowledge, pending, claim, complete(10), pending],
  // Both: by priority.
  ...[
    ...transmitterEmpty,
    ...ring,
    pending,
    claim,
    claim,
    claim,
    acknowledge,
    silence,
    complete(10),
    complete(11),
    pending,
  ],
  // The threshold holds the lower one back.
  ...[store(PLIC + 0x20_0000, 3), ...transmitterEmpty, ...ring, claim, claim, silence, complete(11)],
  ...[store(PLIC + 0x20_0000, 0), claim, acknowledge, complete(10), pending],
  // Disabled: pending, but not to be claimed, unless another context has it enabled.
  ...[store(PLIC + 0x2000, 0), ...ring, pending, claim, store(PLIC + 0x2080, 0x800), load(PLIC + 0x20_1004), pending],
  ...[silence, store(PLIC + 0x20_1004, 11), store(PLIC + 0x2080, 0), pending],
  // Interrupts of the clock switched off while it rings, and on again.
  ...[store(PLIC + 0x2000, 0xc00), store(RTC + 0x10, 0), ...ring, pending, store(RTC + 0x10, 1), pending, claim],
  ...[silence, complete(11), pending],
  // An alarm in the far future, taken back.
  ...[store(RTC + 0x0c, 0x7fff_ffff), store(RTC + 0x08, 7), load(RTC + 0x18), load(RTC + 0x08), load(RTC + 0x0c)],
  ...[store(RTC + 0x14, 0), load(RTC + 0x18), pending],
]

/** Loads and stores of serial port, clock's alarm and PLIC, without what is printed, looped back or different (see the table). */
function randomAccesses(random: RandomStream, count: number): RegisterAccess[] {
  return Array.from({ length: count }, () => {
    const isLoad = random.below(2) === 0
    const device = random.below(3)
    if (device === 0) {
      const offset = 1 + random.below(7)
      return isLoad ? load(UART + offset, 1) : store(UART + offset, random.below(256) & (offset === 4 ? 0xef : 0xff), 1)
    }
    if (device === 1) {
      const offset = random.pick([0x08, 0x0c, 0x10, 0x14, 0x18, 0x1c, 0x20])
      return isLoad ? load(RTC + offset) : store(RTC + offset, random.pick([0, 1, 5, 0x7fff_ffff]))
    }
    const offset = random.pick([0x04, 0x28, 0x2c, 0x1000, 0x2000, 0x2080, 0x20_0000, 0x20_1000])
    return isLoad ? load(PLIC + offset) : store(PLIC + offset, random.pick([0, 2, 6, 0x400, 0x800, 0xc00, 0xc02]))
  })
}

describe("the board's registers", () => {
  test('interrupt in QEMU as they do here', () => {
    const [ours, theirs] = runInBoth(registerProgram(INTERRUPTS))
    expect(ours.results).toEqual(theirs.results)
    const claims = ours.results.filter((_, index) => INTERRUPTS[index] === claim)
    expect(claims).toEqual(['b', '0', 'a', 'b', 'a', '0', 'b', '0', 'a', '0', 'b'])
  })

  test.each(['a', 'b', 'c'])('take accesses in any order as QEMU does: %s', (name) => {
    const accesses = randomAccesses(new RandomStream(name), 900)
    const [ours, theirs] = runInBoth(registerProgram(accesses))
    const named = ({ results }: Results): unknown[] =>
      accesses.map((access, index) => ({ ...access, result: results[index] }))
    expect(named(ours)).toEqual(named(theirs))
  })

  test('show the higher half of the time that was read last, in QEMU as here', () => {
    const accesses = [9, 10].flatMap((high) => [
      ...[store(RTC, 0), store(RTC + 4, high), load(RTC + 4)],
      ...[load(RTC), load(RTC + 4)],
    ])
    for (const { results } of runInBoth(registerProgram(accesses)))
      expect([results[4], results[7], results[9]]).toEqual(['9', '9', 'a'])
  })

  test('read and write in QEMU as they do here, in every width', () => {
    const compared = BOARD_REGISTERS.filter(({ notInQemu }) => notInQemu === undefined)
    const accesses = compared.flatMap((register) => accessesTo(register).map((access) => ({ register, access })))
    const program = registerProgram(accesses.map(({ access }) => access))
    const [ours, theirs] = runInBoth(program)
    // Machine timer interrupt pending: mtimecmp is 0.
    expect([ours.mip, theirs.mip]).toEqual([0x80, 0x80])
    expect(ours.results).toHaveLength(accesses.length)
    const named = ({ results }: { results: string[] }): string[] =>
      accesses.map(({ register, access: { width, store } }, index) => {
        const what = store === undefined ? 'load' : `store ${store.toString(16)}`
        return `${register.device}, ${register.name}: ${what} of ${width} is ${results[index]}`
      })
    expect(named(ours)).toEqual(named(theirs))
    expect(compared.length).toBeGreaterThan(100)
  })
})
