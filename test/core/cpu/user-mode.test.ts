/** User mode, by the section of the privileged specification 20211203 that says so. */
import { describe, expect, test } from 'vitest'
import type { Hart } from '../../../core/cpu/hart.js'
import { bareHart } from '../../support/bare-hart.js'

/** Machine mode opens `pmp` (pmpaddr0, pmpcfg0), enters `user` and keeps what traps in s0 to s3. */
function runUser(user: string, { setup = '', address = '-1', configuration = '0x1f' } = {}): Hart {
  const hart = bareHart(`
      la t0, handler
      csrw mtvec, t0
      li t0, ${address}
      csrw pmpaddr0, t0
      li t0, ${configuration}
      csrw pmpcfg0, t0
      li t0, 0x1800
      csrrc zero, mstatus, t0
      ${setup}
      la t0, user
      csrw mepc, t0
      mret
    handler:
      csrr s0, mcause
      csrr s1, mepc
      csrr s2, mtval
      csrr s3, mstatus
      wfi
    user:
      ${user}
    end:
      j end`)
  hart.run(200)
  return hart
}

const cause = (hart: Hart): number | null => (hart.waiting ? hart.x[8]! : null)
const INTO_DEVICES = 'lw t1, 0(zero)'

describe('section 3.3.2: mret', () => {
  test('goes to the mode of MPP, which becomes user mode; a trap comes back with the mode in MPP', () => {
    const hart = runUser('ecall')
    expect(cause(hart)).toBe(8)
    expect(hart.x[19]! & 0x1800).toBe(0)
    expect(hart.privilege).toBe(3)
  })

  test('clears MPRV when it leaves machine mode, and keeps it when it stays', () => {
    const hart = runUser('ecall', { setup: 'li t0, 0x20000\ncsrrs zero, mstatus, t0' })
    expect(hart.x[19]! & 0x20000).toBe(0)
    const stays = bareHart(`
      li t0, 0x21800
      csrrs zero, mstatus, t0
      la t0, on
      csrw mepc, t0
      mret
    on:
      csrr a0, mstatus
      wfi`)
    stays.run(50)
    expect(stays.x[10]! & 0x20000).toBe(0x20000)
  })

  test('is illegal in user mode', () => expect(cause(runUser('mret'))).toBe(2))
})

describe('section 3.1.6.1: interrupts', () => {
  test('those of machine mode come in user mode whether or not MIE is set', () => {
    const hart = runUser('nop', { setup: 'li t0, 0x80\ncsrw mie, t0' })
    expect([hart.privilege, hart.waiting]).toEqual([0, false])
    hart.mip = 0x80
    hart.run(20)
    expect([hart.privilege, hart.x[8]! >>> 0, hart.x[19]! & 0x1800]).toEqual([3, 0x8000_0007, 0])
  })
})

describe('section 2.1: registers by number', () => {
  test.each(['mstatus', 'mtvec', 'mscratch', 'pmpcfg0', 'mhartid', 'minstret'])(
    '%s is illegal in user mode',
    (name) => {
      const hart = runUser(`csrr t0, ${name}`)
      expect([cause(hart), hart.x[18]! & 0xfff]).toEqual([2, 0x2f3])
    },
  )

  test('section 3.1.11: mcounteren opens cycle, time and instret one by one', () => {
    const names = ['cycle', 'time', 'instret']
    for (const [bit, name] of names.entries()) {
      const setup = `li t0, ${1 << bit}\ncsrw 0x306, t0`
      for (const other of names) {
        const hart = runUser(`csrr a0, ${other}\necall`, { setup })
        expect(cause(hart), `${other} with only ${name} open`).toBe(other === name ? 8 : 2)
      }
    }
    const written = runUser('ecall', { setup: 'li t0, -1\ncsrw 0x306, t0\ncsrr a0, 0x306' })
    expect(written.x[10]).toBe(7)
  })

  test('section 3.1.18: menvcfg holds FIOM alone', () => {
    const hart = runUser('ecall', {
      setup: 'li t0, -1\ncsrw 0x30a, t0\ncsrr a0, 0x30a\ncsrw 0x31a, t0\ncsrr a1, 0x31a',
    })
    expect([hart.x[10], hart.x[11]]).toEqual([1, 0])
  })

  test('section 3.1.6.1: MPP holds user or machine mode; another value leaves it', () => {
    const hart = bareHart(`
      li t0, 0x1800
      csrrs zero, mstatus, t0
      li t1, 0x800
      csrw mstatus, t1
      csrr a0, mstatus
      csrw mstatus, zero
      li t1, 0x1000
      csrw mstatus, t1
      csrr a1, mstatus
      wfi`)
    hart.run(50)
    expect([hart.x[10], hart.x[11]]).toEqual([0x1800, 0])
  })
})

describe('section 3.3.3 and 3.1.6.5: wfi, and what only machine mode may do', () => {
  test('wfi waits in user mode, unless TW makes it illegal', () => {
    const waiting = runUser('wfi')
    expect([waiting.waiting, waiting.privilege]).toEqual([true, 0])
    const illegal = runUser('wfi', { setup: 'li t0, 0x200000\ncsrrs zero, mstatus, t0' })
    expect([illegal.privilege, illegal.x[8]]).toEqual([3, 2])
  })

  test('sfence.vma does nothing in machine mode and is illegal in user mode', () => {
    expect(cause(runUser('sfence.vma'))).toBe(2)
    expect(cause(runUser('ecall', { setup: 'sfence.vma' }))).toBe(8)
  })
})

describe('section 3.7: what user mode may touch', () => {
  test('load, store, atomics and fetch outside its region are access faults with the address', () => {
    const region = { address: String(0x2000_0000 | 0x1ff), configuration: '0x1f' } // the first page
    for (const [body, number] of [
      ['li t2, 0x80002000\nlw t1, 0(t2)', 5],
      ['li t2, 0x80002000\nsb t1, 0(t2)', 7],
      ['li t2, 0x80002000\nlr.w t1, (t2)', 5],
      ['li t2, 0x80002000\nsc.w t1, t1, (t2)', 7],
      ['li t2, 0x80002000\namoadd.w t1, t1, (t2)', 7],
      ['li t2, 0x80002000\njalr ra, t2, 0', 1],
    ] as const) {
      const hart = runUser(body, region)
      expect([cause(hart), hart.x[18]! >>> 0], body).toEqual([number, 0x8000_2000])
    }
    expect(cause(runUser(INTO_DEVICES, region))).toBe(5)
  })

  test('a load that begins inside and ends outside is refused whole', () => {
    const region = { address: String(0x2000_0000 | 0x1ff), configuration: '0x1f' }
    expect(cause(runUser('li t2, 0x80000ffe\nlw t1, 0(t2)', region))).toBe(5)
    const store = runUser('li t2, 0x80000ffe\nli t1, -1\nsw t1, 0(t2)', region)
    expect([cause(store), store.memory.octets[0xffe]]).toEqual([7, 0])
  })

  test('the last word of RAM is as good as the others', () => {
    const last = '0x800ffffc'
    const hart = runUser(`li t2, ${last}\nli t1, 77\nsw t1, 0(t2)\nlw a0, 0(t2)\nlhu a1, 2(t2)\necall`)
    expect([cause(hart), hart.x[10], hart.x[11]]).toEqual([8, 77, 0])
  })

  test('atomics need both rights, lr.w reading and sc.w writing', () => {
    const readOnly = { configuration: '0x1d' }
    const inside = 'li t2, 0x80000800\n'
    expect(cause(runUser(`${inside}lr.w t1, (t2)\necall`, readOnly))).toBe(8)
    expect(cause(runUser(`${inside}sc.w t1, t1, (t2)`, readOnly))).toBe(7)
    expect(cause(runUser(`${inside}amoor.w t1, zero, (t2)`, readOnly))).toBe(7)
  })

  test('execution stops at the octet where the right to execute ends, inside a page too', () => {
    // TOR up to the third instruction after `user`.
    const hart = runUser('nop\nnop\nnop\nnop', {
      setup: 'la t1, user\naddi t1, t1, 12\nsrli t1, t1, 2\ncsrw pmpaddr0, t1\nli t1, 0x0f\ncsrw pmpcfg0, t1',
    })
    expect(cause(hart)).toBe(1)
    expect(hart.x[9]! - (hart.x[9]! & ~0xfff)).toBe(hart.x[18]! & 0xfff)
    expect(hart.minstret()).toBe(hart.mcycle() - 1n)
  })

  test('section 3.1.6.3: with MPRV machine mode is judged as the mode of MPP, for data alone', () => {
    const hart = bareHart(`
      la t0, handler
      csrw mtvec, t0
      li t0, 0x20000        # MPRV, MPP user; no region is open
      csrw mstatus, t0
      nop                   # fetched as ever
      lw t1, 0(sp)
    handler:
      csrr a0, mcause
      wfi`)
    hart.x[2] = 0x80000800 | 0
    hart.run(50)
    expect([hart.x[10], hart.mepc]).toEqual([5, 0x80000000 + 4 * 7])
  })

  test('section 3.1.6.3: with MPRV and machine mode in MPP nothing is asked for; a trap leaves MPRV as it is', () => {
    const hart = bareHart(`
      la t0, handler
      csrw mtvec, t0
      li t0, 0x21800        # MPRV, MPP machine
      csrw mstatus, t0
      lw a1, 0(sp)
      ecall
    handler:
      csrr a0, mcause
      lw a1, 0(sp)
      csrr a2, mstatus
      wfi`)
    hart.x[2] = 0x80000800 | 0
    hart.run(50)
    expect([hart.waiting, hart.x[10], hart.x[12]]).toEqual([true, 11, 0x21800])
  })

  test('a locked region holds for machine mode', () => {
    const hart = bareHart(`
      la t0, handler
      csrw mtvec, t0
      li t0, 0x20000401     # 0x80001004, four octets, locked, readable
      csrw pmpaddr0, t0
      li t0, 0x91
      csrw pmpcfg0, t0
      li t1, 0x80001000
      sw t1, 0(t1)
      lw a1, 4(t1)
      sw t1, 4(t1)
    handler:
      csrr a0, mcause
      csrr a2, mtval
      wfi`)
    hart.run(50)
    expect([hart.x[10], hart.x[12]! >>> 0]).toEqual([7, 0x80001004])
  })
})
