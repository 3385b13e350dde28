import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bootCommand } from '../../cli/boot.js'
import { RAM_BASE } from '../../core/cpu/memory.js'
import { assemble } from '../support/assembler.js'
import { elfFile } from '../support/elf-file.js'
import { outputOf } from '../support/command-output.js'
import { bootGuest, MIB } from '../support/guest-machine.js'
import { migratableMachine, streamOf } from '../support/saved-machine.js'

const shell = fileURLToPath(new URL('../../labs/guests/shell.elf', import.meta.url))
const TOHOST = 0x8000_1000

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'midstream-boot-'))
})
afterAll(async () => rm(folder, { recursive: true, force: true }))

async function file(name: string, contents: string | Uint8Array): Promise<string> {
  await writeFile(join(folder, name), contents)
  return join(folder, name)
}

function storing(value: number): Uint8Array {
  const octets = [...assemble(`li t0, ${TOHOST}\nli t1, ${value}\nsw t1, 0(t0)\nsw zero, 4(t0)\nspin:\nj spin`)]
  return elfFile(RAM_BASE, [{ address: RAM_BASE, octets, memoryOctets: octets.length }], { tohost: TOHOST })
}

describe('boot', () => {
  it.each([
    [1, 0, 'passed'],
    [7, 1, 'case 3 failed'],
  ])('tohost %i: status %i', async (value, expected, said) => {
    const json = join(folder, `${value}.json`)
    const path = await file('program', storing(value))
    const { status, out } = await outputOf(() => bootCommand([path, '--exit-on', 'tohost', '--json', json]))
    expect(status).toBe(expected)
    expect(out).toContain(said)
    const result = JSON.parse(await readFile(json, 'utf8')) as Record<string, unknown>
    expect(result).toMatchObject({ exitReason: 'tohost', tohost: value, instructions: 5 })
    expect(result['mips']).toBeGreaterThan(0)
  })

  it('a program that never stores to tohost ends at the limit, and has not passed', async () => {
    const path = await file('spin.elf', storing(0))
    const { status, out } = await outputOf(() =>
      bootCommand([path, '--exit-on', 'tohost', '--max-instructions', '12_345', '--json', '-']),
    )
    expect(status).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ exitReason: 'max-instructions', tohost: 0, instructions: 12345 })
  })

  it('goes on with a machine that was saved; RAM is as large as the stream says', async () => {
    const guest = bootGuest({}, { ramOctets: 4 * MIB })
    guest.expect('login: ')
    guest.type('nob')
    guest.expect('nob')
    guest.machine.pause(guest.nowNs)
    const saved = await file('guest.qevm', streamOf(migratableMachine(guest.machine)))
    const input = await file('rest', 'ody\rguess\r')
    const run = (): Promise<number> => bootCommand(['--incoming', saved, '--input', input, '--max-time', '1s'])
    const { status, out } = await outputOf(run)
    expect(status).toBe(0)
    expect(out).toMatch(/^ody\r\nPassword: \r\nLogin incorrect/)
    const cut = await file('cut.qevm', (await readFile(saved)).subarray(0, 10_000))
    await expect(bootCommand(['--incoming', cut])).rejects.toThrow('the stream ends before the state is complete')
    await expect(bootCommand(['--incoming', saved, '--flat'])).rejects.toThrow('--flat and --exit-on go with an image')
  })

  it('types a file at the console, prints what the guest says and what it came to', async () => {
    const input = await file('input', 'nobody\rguess\r')
    const { status, out } = await outputOf(() => bootCommand([shell, '--input', input, '--max-time', '2s']))
    expect(status).toBe(0)
    expect(out).toContain('login: nobody\r\nPassword: \r\nLogin incorrect')
    expect(out).toContain('the limit on virtual time')
    expect(out).toMatch(/instructions +[\d,]+\n/)
  })

  it('ends with a program that sleeps and reads nothing of all that is typed', async () => {
    const input = await file('long', 'x'.repeat(10_000))
    const path = await file('sleep.bin', assemble('loop:\nwfi\nj loop'))
    const { status, out } = await outputOf(() => bootCommand([path, '--input', input, '--json', '-']))
    expect(status).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ exitReason: 'asleep', instructions: 1 })
  })

  it('types the first octet too, to a program that empties its FIFO late, and ends when that has read it', async () => {
    const path = await file(
      'late.bin',
      assemble(`
        li t0, 0x10000000
        li t1, 600000
      boot:
        addi t1, t1, -1
        bne t1, zero, boot
        addi t1, zero, 1
        sb t1, 2(t0)          # FCR: the FIFOs are on, and empty
      poll:
        lbu t1, 5(t0)
        andi t1, t1, 1
        beq t1, zero, poll
        lbu t1, 0(t0)
        sb t1, 0(t0)
        li t0, 0x100000
        li t1, 0x5555
        sw t1, 0(t0)`),
    )
    const input = await file('keys', 'xy')
    const { status, out } = await outputOf(() => bootCommand([path, '--input', input]))
    expect(status).toBe(0)
    expect(out).toMatch(/^x\n[^]*the test finisher: pass/)
  })

  it('wakes a program that waits for a key with the file', async () => {
    const path = await file(
      'wake.bin',
      assemble(`
        li t0, 0x10000000
        li t1, 1
        sb t1, 1(t0)          # IER: received data
        li t0, 0x0c000028
        sw t1, 0(t0)          # PLIC: priority of source 10, then its enable bit
        li t0, 0x0c002000
        li t1, 0x400
        sw t1, 0(t0)
        li t1, 0x800
        csrw mie, t1
        wfi
        li t0, 0x100000
        li t1, 0x5555
        sw t1, 0(t0)`),
    )
    const input = await file('key', 'x')
    const { out } = await outputOf(() => bootCommand([path, '--input', input, '--json', '-']))
    expect(JSON.parse(out)).toMatchObject({ exitReason: 'pass' })
  })

  it('a pass of the test finisher is one, whatever is in tohost, and an even word there has no meaning', async () => {
    const pass = 'li t0, 0x100000\nli t1, 0x5555\nsw t1, 0(t0)'
    const octets = [...assemble(pass)]
    const image = elfFile(RAM_BASE, [{ address: RAM_BASE, octets, memoryOctets: octets.length }], { tohost: TOHOST })
    const path = await file('finisher', image)
    const finished = await outputOf(() => bootCommand([path, '--exit-on', 'tohost']))
    expect(finished.status).toBe(0)
    expect(finished.out).toContain('0x0: nothing was stored')
    const even = await file('even', storing(6))
    const { status, out } = await outputOf(() => bootCommand([even, '--exit-on', 'tohost']))
    expect(status).toBe(1)
    expect(out).toMatch(/0x6\s*$/m)
  })

  it('takes a flat image by its name, or when told', async () => {
    const program = assemble('li t0, 0x100000\nli t1, 0x93333\nsw t1, 0(t0)')
    const status = async (...args: string[]) => (await outputOf(() => bootCommand(args))).status
    expect(await status(await file('flat.bin', program))).toBe(1)
    expect(await status(await file('flat', program), '--flat')).toBe(1)
    await expect(bootCommand([join(folder, 'flat')])).rejects.toThrow(
      /flat, octet 0: not an ELF file; for a flat image name it \.bin or add --flat/,
    )
  })

  it.each([
    [['/no/such/image.elf'], /image\.elf cannot be read/],
    [[], /name one image/],
    [[shell, '--exit-on', 'exit'], /tohost/],
    [[shell, '--exit-on', 'tohost'], /no symbol named tohost/],
    [[shell, '--max-instructions', 'many'], /--max-instructions many/],
    [[shell, '--max-time', '5 parsecs'], /--max-time/],
    [[shell, '--ram', '1KiB'], /RAM/],
    [[shell, '--json', '/no/such/folder/x.json'], /cannot be written/],
  ])('refuses %j', async (args, reason) => {
    await expect(bootCommand(args)).rejects.toThrow(reason)
  })
})
