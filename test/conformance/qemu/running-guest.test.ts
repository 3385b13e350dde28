import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { SHELL_DEFAULTS } from '../../../core/machine/guest-parameters.js'
import { guestPassword } from '../../../core/machine/guest-secrets.js'
import { Machine } from '../../../core/machine/machine.js'
import { machineFromFile } from '../../../core/migration/machine-file.js'
import { deviceOf, registersOf } from '../../support/device-states.js'
import { playBoth, type Exchange } from '../../support/guest-dialogue.js'
import { GUEST_MAC, guestImage, MIB, RunningMachine, type GuestImage } from '../../support/guest-machine.js'
import { GuestServer } from '../../support/guest-server.js'
import { freePort, LocalConnection } from '../../support/local-connection.js'
import { migratableMachine, streamOf } from '../../support/saved-machine.js'
import { QemuConsole, QemuProcess, requireQemu } from './qemu-process.js'

const RAM_OCTETS = 16 * MIB
const BOARD = ['-M', 'virt', '-m', '16M', '-bios', 'none', '-global', 'virtio-mmio.force-legacy=false']
const NETWORK = 'virtio-net-device,bus=virtio-mmio-bus.0,mac=52:54:00:12:34:56'

interface Visit {
  readonly image: GuestImage
  /** Typed and answered before the move, and what is typed last, of which the line is not finished. */
  readonly before: readonly Exchange[]
  readonly half: string
  readonly after: readonly Exchange[]
}

const alice = 'alice@midstream:~$ '
const visits: readonly Visit[] = [
  {
    image: 'shell',
    before: [
      ['', 'login: '],
      ['alice\r', 'Password: '],
      [`${guestPassword(SHELL_DEFAULTS.seed, 'alice')!}\r`, alice],
      ['tick off\r', alice],
      ['set note written before\r', alice],
    ],
    half: 'get no',
    after: [
      ['te\r', alice],
      ['set note written after\r', alice],
      ['get note\r', alice],
      ['help\r', alice],
    ],
  },
  { image: 'web', before: [['', 'web> ']], half: 'he', after: [['lp\r', 'web> ']] },
  { image: 'kv', before: [['', 'kv> ']], half: 'he', after: [['lp\r', 'kv> ']] },
  {
    image: 'stress',
    before: [
      ['', 'stress> '],
      ['tick off\r', 'stress> '],
      ['work 100 2000\r', 'stress> '],
      ['hot 8 90\r', 'stress> '],
    ],
    half: 'cont',
    after: [
      ['ent\r', 'stress> '],
      ['hot 8 900\r', 'stress> '],
      ['work 64 0 7\r', 'stress> '],
      ['content zeros\r', 'stress> '],
    ],
  },
  {
    image: 'tenant',
    before: [
      ['', 'B> '],
      ['tick off\r', 'B> '],
      ['ps\r', 'B> '],
    ],
    half: 'peek 0x80',
    after: [
      ['000000\r', 'B> '],
      ['what\r', 'B> '],
      ['spin 1\r', 'B> '],
    ],
  },
]

let folder = ''
let qemu: QemuProcess | null = null
let terminal: QemuConsole
beforeAll(() => {
  requireQemu()
  folder = mkdtempSync(join(tmpdir(), 'midstream-guest-'))
})
afterEach(() => {
  qemu?.stop()
  qemu = null
  terminal.close()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** `netdev`: of the network device, what it is connected to. `stopped`: nothing runs in it until it is let go on. */
async function startQemu(args: readonly string[], { netdev = '', stopped = ['-S'] } = {}): Promise<QemuProcess> {
  terminal = new QemuConsole()
  qemu = await QemuProcess.start([
    ...BOARD,
    '-device',
    `${NETWORK}${netdev}`,
    ...terminal.serialArguments,
    ...stopped,
    ...args,
  ])
  await terminal.open()
  return qemu
}

/** What a guest in the emulator has counted for its clients, and goes on counting for those of a real QEMU. */
const services = [
  {
    image: 'web',
    port: 80,
    request: 'GET /counter HTTP/1.1\r\nHost: guest\r\n\r\n',
    answer: /^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\n(\d+)\n$/,
  },
  { image: 'kv', port: 6379, request: '*2\r\n$4\r\nINCR\r\n$6\r\nvisits\r\n', answer: /^:(\d+)\r\n$/ },
] as const

/** A guest in the emulator that has said what it says to `before`, and stands still with a line half typed. */
function ourGuest({ image, before, half }: Visit): RunningMachine {
  const machine = new Machine({ ramOctets: RAM_OCTETS, nicMac: GUEST_MAC, qemuBoard: true })
  machine.loadElf(guestImage(image))
  const guest = new RunningMachine(machine)
  for (const [typed, prompt] of before) {
    guest.type(typed)
    guest.expect(prompt)
  }
  guest.type(half)
  guest.expect(half)
  machine.pause(guest.nowNs)
  return guest
}

/** x0 to x31 and pc as QEMU's monitor shows them. */
async function theirRegisters(running: QemuProcess): Promise<number[]> {
  const text = await running.monitor('info registers')
  const named = (name: string): number => Number.parseInt(new RegExp(`${name}\\s+([0-9a-f]{8})`).exec(text)![1]!, 16)
  return [...Array.from({ length: 32 }, (_, index) => named(`\\bx${index}/\\S+`)), named('\\bpc')]
}

async function theirRam(running: QemuProcess): Promise<Uint8Array> {
  const path = join(folder, 'memory')
  await running.execute('pmemsave', { val: 0x8000_0000, size: RAM_OCTETS, filename: path })
  return readFileSync(path)
}

async function expectSame(machine: Machine, running: QemuProcess): Promise<void> {
  expect(Buffer.compare(machine.ram.octets, await theirRam(running))).toBe(0)
  expect(await theirRegisters(running)).toEqual([...registersOf(machine), machine.pc])
}

describe.each(visits)('$image', (visit) => {
  it('goes on in a real QEMU: memory, registers and the line that is being typed', async () => {
    const ours = ourGuest(visit)
    const path = join(folder, 'ours.qevm')
    writeFileSync(path, streamOf(migratableMachine(ours.machine)))
    const theirs = await startQemu(['-incoming', `exec:cat ${path}`])
    await theirs.until('query-status', ({ status }) => status !== 'inmigrate')
    await expectSame(ours.machine, theirs)
    await theirs.execute('cont')
    await playBoth(ours, terminal, visit.after)
  })

  it('comes from a real QEMU and goes on here as it does there', async () => {
    const elf = fileURLToPath(new URL(`../../../labs/guests/${visit.image}.elf`, import.meta.url))
    const theirs = await startQemu(['-kernel', elf])
    await theirs.execute('cont')
    for (const [typed, prompt] of visit.before) {
      terminal.type(typed)
      await terminal.expect(prompt)
    }
    terminal.type(visit.half)
    await terminal.expect(visit.half)
    await theirs.execute('stop')
    const path = join(folder, 'theirs.qevm')
    await theirs.migrateTo(path)
    const machine = machineFromFile(readFileSync(path), GUEST_MAC)
    await expectSame(machine, theirs)
    expect(deviceOf(machine, 'globalstate').saveState()['size']).toBe('paused'.length + 1)
    await theirs.execute('cont')
    await playBoth(new RunningMachine(machine), terminal, visit.after)
  })
})

it.each(services)('$image serves the clients of a real QEMU after it came there', async (service) => {
  const { image, port: toPort, request, answer } = service
  const ours = new GuestServer(image, { qemuBoard: true })
  const isWhole = (text: string): boolean => answer.test(text)
  const counted = (text: string): string | undefined => answer.exec(text)?.[1]
  const client = ours.connect(toPort)
  for (const count of ['1', '2', '3']) expect(counted(client.ask(request, isWhole))).toBe(count)
  ours.vm.pause('paused')
  const path = join(folder, 'ours.qevm')
  writeFileSync(path, streamOf(migratableMachine(ours.vm.machine)))

  const fromPort = await freePort()
  // The user network has the guest's own, which is not QEMU's usual one.
  const network = `user,id=n0,net=10.1.0.0/24,hostfwd=tcp:127.0.0.1:${fromPort}-10.1.0.7:${toPort}`
  const theirs = await startQemu(['-netdev', network, '-incoming', `exec:cat ${path}`], { netdev: ',netdev=n0' })
  await theirs.until('query-status', ({ status }) => status !== 'inmigrate')
  await theirs.execute('cont')
  const connection = new LocalConnection(fromPort)
  try {
    for (const count of ['4', '5', '6']) expect(counted(await connection.ask(request, isWhole))).toBe(count)
  } finally {
    connection.close()
  }
})

it.each(['paused', 'running'] as const)('a guest that was %s when it was moved is so in a real QEMU', async (state) => {
  const ours = new GuestServer('web', { qemuBoard: true })
  if (state === 'paused') ours.vm.pause('paused')
  ours.vm.pause() // for its last phase
  const path = join(folder, 'ours.qevm')
  writeFileSync(path, streamOf(migratableMachine(ours.vm.machine)))
  const theirs = await startQemu(['-incoming', `exec:cat ${path}`], { stopped: [] })
  const { status } = await theirs.until('query-status', ({ status }) => status !== 'inmigrate')
  expect(status).toBe(state)
  if (state === 'running') return
  await theirs.execute('cont')
  expect(await theirs.execute('query-status')).toMatchObject({ status: 'running' })
})
