/**
 * What a program in user mode can try against the wall of `tenant`: code written by hand into the spare octets of tenant
 * B's program, and called by its own `jump`. With the fault, one hole, and no other.
 */
import { describe, expect, it } from 'vitest'
import { RAM_BASE } from '../../../core/cpu/memory.js'
import { TENANT_DEFAULTS } from '../../../core/machine/guest-parameters.js'
import { tenantSecrets } from '../../../core/machine/guest-secrets.js'
import { assemble } from '../../support/assembler.js'
import { bootGuest, type RunningMachine } from '../../support/guest-machine.js'

const PROMPT = 'B> '
const PAGE = 4096
/** From the end of a program's pages: what its last page does not need (a test looks that it is all zero). */
const SPARE = 512
const CALL = { exit: 0, write: 1, yield: 2, sleep: 3, read: 4 }

/** Where the two tenants lie: program from `text` to `data`, data and stack from there to `end`. */
interface Place {
  readonly text: number
  readonly data: number
  readonly end: number
}

const hex = (value: number): string => `0x${(value >>> 0).toString(16).padStart(8, '0')}`

class Tenants {
  readonly guest: RunningMachine
  readonly a: Place
  readonly b: Place

  constructor(hasIsolationFault: boolean) {
    this.guest = bootGuest({ hasIsolationFault, tick: 'off' }, { image: 'tenant' })
    this.guest.expect(PROMPT)
    const numbers = (command: string): number[] =>
      [...this.say(command).matchAll(/0x([0-9a-f]{8})/g)].map(([, digits]) => parseInt(digits!, 16))
    const [text = 0, data = 0, end = 0] = numbers('where')
    const [aText = 0, aEnd = 0] = numbers('ps')
    this.b = { text, data, end }
    this.a = { text: aText, data: aEnd - PAGE, end: aEnd }
  }

  say(line: string): string {
    this.guest.type(`${line}\r`)
    return this.guest.expect(PROMPT)
  }

  memory(address: number, length: number): Uint8Array {
    return this.guest.machine.ram.octets.slice(address - RAM_BASE, address - RAM_BASE + length)
  }

  /** Run code in tenant B, as a routine that returns its answer in a0. */
  run(source: string): string {
    const at = this.b.data - SPARE
    const code = new Uint8Array(SPARE)
    code.set(assemble(`${source}\njalr zero, ra, 0`, at))
    this.guest.machine.ram.write(at - RAM_BASE, code)
    return this.say(`jump ${hex(at)}`)
  }
}

const refused = (what: string, address: number): string => `tenant B: ${what} access fault at ${hex(address)}, refused`
const returned = (value: number): string => `it came back with ${hex(value)}`
/** What lies outside of both tenants: the kernel, its parameters and stack, RAM above it, every device, nothing. */
const BEYOND = [
  ...[0x8000_0000, 0x8000_1000, 0x8003_f000, 0x8003_fffc, 0x8004_0000, 0x80ff_fffc],
  ...[0x0010_0000, 0x0010_1000, 0x0200_0000, 0x0200_4000, 0x0200_bff8, 0x0c00_0000, 0x0c20_0004, 0x1000_0000],
  ...[0x1000_8000, 0x0000_0000, 0x7fff_fffc, 0xffff_fffc],
]
const STORES = ['sb', 'sh', 'sw', 'sc.w', 'amoswap.w', 'amoadd.w', 'amoand.w', 'amomaxu.w']
const storeTo = (address: number, store: string): string =>
  store.includes('.')
    ? `li t0, ${address}\nli t1, -1\n${store} a0, t1, (t0)`
    : `li t0, ${address}\nli t1, -1\n${store} t1, 0(t0)`
const loadFrom = (address: number, load = 'lw'): string =>
  `li t0, ${address}\n${load === 'lr.w' ? 'lr.w a0, (t0)' : `${load} a0, 0(t0)`}`
const callKernel = (number: number, first: number, second: number): string =>
  `li a0, ${first | 0}\nli a1, ${second | 0}\nli a7, ${number}\necall`

describe.each([
  ['whole', false],
  ['with its hole', true],
] as const)('the wall of tenant, %s', (_, hasFault) => {
  it('what lies beyond both tenants is never read, written or run', () => {
    const tenants = new Tenants(hasFault)
    for (const address of BEYOND) {
      for (const load of ['lb', 'lhu', 'lw', 'lr.w'])
        expect(tenants.run(loadFrom(address, load)), load).toContain(refused('load', address))
      const before = address >= RAM_BASE && address < 0x8100_0000 ? tenants.memory(address, 4) : null
      for (const store of STORES.filter((each) => each !== 'sc.w'))
        expect(tenants.run(storeTo(address, store)), store).toContain(refused('store', address))
      if (before !== null && address !== 0x8000_1000) expect(tenants.memory(address, 4)).toEqual(before)
      expect(tenants.say(`jump ${hex(address)}`)).toContain(refused('instruction', address))
    }
  })

  it("the neighbour's memory is never written, and read and run only through the hole", () => {
    const tenants = new Tenants(hasFault)
    const { a, b } = tenants
    const token = tenantSecrets(TENANT_DEFAULTS)[0]!.value
    const before = tenants.memory(a.text, a.data - a.text)
    for (const address of [a.text, a.text + 64, a.data - 4, a.data, a.data + 96, a.end - 4]) {
      const word = new DataView(tenants.memory(address, 4).buffer).getInt32(0, true)
      for (const load of ['lw', 'lr.w']) {
        const said = tenants.run(loadFrom(address, load))
        expect(said).toContain(hasFault ? returned(word) : refused('load', address))
      }
      for (const store of STORES.filter((each) => each !== 'sc.w'))
        expect(tenants.run(storeTo(address, store)), store).toContain(refused('store', address))
    }
    expect(tenants.memory(a.text, a.data - a.text)).toEqual(before)
    expect(Buffer.from(tenants.memory(a.data, a.end - a.data)).includes(token)).toBe(true)
    expect(tenants.say(`jump ${hex(a.text)} 7`)).toContain(hasFault ? 'came back' : refused('instruction', a.text))
    // Not even the hole goes further down than the neighbour, or makes the own program writable or the own data code.
    expect(tenants.run(loadFrom(a.text - 4))).toContain(refused('load', a.text - 4))
    expect(tenants.run(storeTo(b.text, 'sw'))).toContain(refused('store', b.text))
    expect(tenants.say(`jump ${hex(b.data)}`)).toContain(refused('instruction', b.data))
  })

  it('an access across the border does nothing on either side of it', () => {
    const tenants = new Tenants(hasFault)
    const { a, b } = tenants
    const borders = hasFault ? [a.text, b.end] : [a.text, b.text, b.end]
    for (const border of borders)
      for (const at of [border - 3, border - 2, border - 1]) {
        expect(tenants.run(loadFrom(at)), hex(at)).toMatch(/tenant B: load access fault at 0x[0-9a-f]{8}, refused/)
        if (at === border - 1) expect(tenants.run(loadFrom(at, 'lhu'))).toMatch(/tenant B: load access fault/)
      }
    for (const border of [a.text, a.data, b.text, b.data, b.end])
      for (const [at, store] of [
        [border - 3, 'sw'],
        [border - 2, 'sw'],
        [border - 1, 'sw'],
        [border - 1, 'sh'],
      ] as const) {
        const before = tenants.memory(border - 4, 4)
        expect(tenants.run(storeTo(at, store)), `${store} ${hex(at)}`).toMatch(/tenant B: store access fault at 0x/)
        const hasCodeBefore = border === b.data // the last words of the program are the test's own
        if (!hasCodeBefore && border !== b.end) expect(tenants.memory(border - 4, 4)).toEqual(before)
      }
    // Within its own data it may be misaligned as it likes.
    expect(tenants.run(`${storeTo(b.data + 2049, 'sw')}\n${loadFrom(b.data + 2049)}`)).toContain(returned(-1))
  })

  it('what only machine mode may do is an illegal instruction, and the machine is as before', () => {
    const tenants = new Tenants(hasFault)
    const at = hex(tenants.b.data - SPARE)
    const illegal = `tenant B: illegal instruction at ${at}, refused`
    for (const csr of [
      ...['mstatus', 'mie', 'mtvec', 'mscratch', 'mepc', 'mcause', 'mtval', 'mip', 'mhartid', 'pmpaddr0', 'pmpcfg0'],
      ...['misa', 'satp', 'tselect', 'mvendorid', 'mcycle'],
    ]) {
      expect(tenants.run(`csrrs a0, ${csr}, zero`), csr).toContain(illegal)
      expect(tenants.run(`csrrw a0, ${csr}, zero`), csr).toContain(illegal)
    }
    expect(tenants.run('csrrwi zero, pmpcfg0, 31')).toContain(illegal)
    expect(tenants.run('mret')).toContain(illegal)
    expect(tenants.run('.word 0x00000000')).toContain(illegal)
    expect(tenants.run('ebreak')).toContain('tenant B: breakpoint at')
    expect(tenants.say(`jump ${hex(tenants.b.text + 2)}`)).toContain('tenant B: misaligned jump at')
    expect(tenants.run(loadFrom(tenants.a.text - 4))).toContain(refused('load', tenants.a.text - 4))
  })

  it('a program that sleeps or never ends keeps the hart from nobody', () => {
    const tenants = new Tenants(hasFault)
    const { guest } = tenants
    guest.type('tick on\r')
    const at = tenants.b.data - SPARE
    guest.machine.ram.write(at - RAM_BASE, assemble('loop:\nwfi\nj loop', at))
    guest.type(`jump ${hex(at)}\rwhere\r`)
    guest.run(2.5e9)
    expect(guest.expect('[tick 2]')).toContain('[tick 1]')
    // It never fetches what was typed after it; the console is alive all the same.
    guest.type('help\r')
    guest.expect('tenant B is busy with the line before; restart starts it again')
    guest.type('restart\r')
    expect(guest.expect(PROMPT)).not.toContain('refused')
    expect(tenants.say('ps')).toContain('tenant A')
  })

  it('the kernel does nothing for a tenant with memory that is not its own', () => {
    const tenants = new Tenants(hasFault)
    const { a, b } = tenants
    for (const [address, length] of [
      ...BEYOND.map((each) => [each, 4]),
      ...[a.text, a.data, a.end - 4, b.text - 1, b.end - 3, b.end + 4].map((each) => [each, 4]),
      ...[[b.text, -1] as const, [b.end - 4, -4] as const, [b.end - 1, 0x7fff_ffff] as const, [b.text, 257] as const],
      [-4, 8],
    ] as [number, number][])
      expect(tenants.run(callKernel(CALL.write, address, length)), hex(address)).toContain(returned(-1))
    expect(tenants.run(callKernel(CALL.write, b.end, 0))).toContain(returned(0))
    for (const number of [5, 99, -1, 0x8000_0000])
      expect(tenants.run(callKernel(number, b.text, 4))).toContain(returned(-1))

    // A line that would be written over the program, the neighbour or the kernel is not.
    for (const target of [b.text, a.data, 0x8000_0000, 0x8003_f000, b.end - 2, 0xffff_fffe]) {
      const before = target >= RAM_BASE && target < b.end ? tenants.memory(target, 2) : null
      expect(tenants.run(callKernel(CALL.read, target, -1))).toContain(PROMPT)
      expect(tenants.say('some line')).toContain(returned(-1))
      if (before !== null) expect(tenants.memory(target, 2)).toEqual(before)
    }
    expect(tenants.run(callKernel(CALL.read, b.data + 2048, 4))).toContain(PROMPT)
    expect(tenants.say('some line')).toContain(returned(4))
    expect(Buffer.from(tenants.memory(b.data + 2048, 6)).toString('latin1')).toBe('some\0\0')

    tenants.guest.machine.ram.write(b.data - SPARE - RAM_BASE, assemble(callKernel(CALL.exit, 0, 0)))
    tenants.guest.type(`jump ${hex(b.data - SPARE)}\rps\r`)
    expect(tenants.guest.expect('over')).toContain('tenant B')
    expect(tenants.say('restart')).toContain(PROMPT)
  })

  it('tenant A reaches no further than its own memory', () => {
    for (const reach of ['a.text - 4', 'b.text', 'b.data', '0x80000000', '0x10000000'] as const) {
      const tenants = new Tenants(hasFault)
      const { a, b } = tenants
      const address = {
        ...{ 'a.text - 4': a.text - 4, 'b.text': b.text, 'b.data': b.data },
        ...{ '0x80000000': 0x8000_0000, '0x10000000': 0x1000_0000 },
      }[reach]
      // The first thing in A's program is what it calls each second.
      tenants.guest.machine.ram.write(a.text - RAM_BASE, assemble(loadFrom(address), a.text))
      tenants.guest.expect(`tenant A: load access fault at ${hex(address)}, refused`)
    }
  })
})

describe('the program of tenant B', () => {
  it('leaves the octets that these tests use alone', () => {
    const { b, guest } = new Tenants(false)
    expect(b.data - b.text).toBe(PAGE)
    expect(guest.machine.ram.octets.slice(b.data - SPARE - RAM_BASE, b.data - RAM_BASE)).toEqual(new Uint8Array(SPARE))
  })
})
