import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { latin1Text } from '../../../core/base/octets.js'
import { Machine } from '../../../core/machine/machine.js'
import { accessesTo, BOARD_REGISTERS } from '../../support/board-registers.js'
import { GUEST_MAC, MIB } from '../../support/guest-machine.js'
import { requireQemu } from '../../support/qemu-riscv32.js'
import { readRegisterOutput, registerProgram } from '../../support/register-program.js'

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

describe("the board's registers", () => {
  test('read and write in QEMU as they do here, in every width', () => {
    const compared = BOARD_REGISTERS.filter(({ notInQemu }) => notInQemu === undefined)
    const accesses = compared.flatMap((register) => accessesTo(register).map((access) => ({ register, access })))
    const program = registerProgram(accesses.map(({ access }) => access))
    const [ours, theirs] = [runInOurs(program), runInQemu(program)].map(readRegisterOutput) as [
      ReturnType<typeof readRegisterOutput>,
      ReturnType<typeof readRegisterOutput>,
    ]
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
