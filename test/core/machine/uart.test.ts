import { describe, expect, test } from 'vitest'
import { WireError } from '../../../core/base/errors.js'
import { latin1Octets, latin1Text } from '../../../core/base/octets.js'
import { ConsoleQueue } from '../../../core/machine/console-queue.js'
import type { StateValues } from '../../../core/machine/device-state.js'
import { CONSOLE_QUEUE_OCTETS, Uart } from '../../../core/machine/uart.js'
import { withValue, type StatePath } from '../../support/device-states.js'

const [RBR, THR, IER, IIR, FCR, LCR, MCR, LSR, MSR, SCR] = [0, 0, 1, 2, 2, 3, 4, 5, 6, 7]

describe('UART (PC16550D)', () => {
  test('what is written comes out at once, in order', () => {
    const uart = new Uart()
    for (const octet of latin1Octets('hi')) uart.store(THR, octet)
    expect(uart.load(LSR)).toBe(0x60)
    expect(latin1Text(uart.takeOutput())).toBe('hi')
    expect(uart.takeOutput()).toHaveLength(0)
  })

  test('what is typed waits, is read in order, and shows in the line status', () => {
    const uart = new Uart()
    expect(uart.receive(latin1Octets('ab'))).toBe(2)
    expect(uart.load(LSR)).toBe(0x61)
    expect([uart.load(RBR), uart.load(RBR), uart.load(RBR)]).toEqual([97, 98, 0])
    expect(uart.load(LSR)).toBe(0x60)
  })

  test('a full queue takes no more and says so', () => {
    const uart = new Uart()
    expect(uart.receive(new Uint8Array(CONSOLE_QUEUE_OCTETS - 1))).toBe(CONSOLE_QUEUE_OCTETS - 1)
    expect(uart.receive(latin1Octets('xyz'))).toBe(1)
    expect(uart.receive(latin1Octets('yz'))).toBe(0)
    uart.load(RBR)
    expect(uart.receive(latin1Octets('yz'))).toBe(1)
  })

  test('interrupts: received data before empty transmitter, each only if enabled; reading IIR acknowledges the latter', () => {
    const uart = new Uart()
    uart.receive(latin1Octets('a'))
    expect([uart.isInterrupting(), uart.load(IIR)]).toEqual([false, 0x01])
    uart.store(IER, 3)
    expect([uart.isInterrupting(), uart.load(IIR)]).toEqual([true, 0x04])
    uart.load(RBR)
    expect([uart.load(IIR), uart.load(IIR)]).toEqual([0x02, 0x01])
    uart.store(THR, 1)
    expect([uart.isInterrupting(), uart.load(IIR), uart.isInterrupting()]).toEqual([true, 0x02, false])
  })

  test('the divisor latch stands in front of data and interrupt enable; scratch, modem and line registers keep', () => {
    const uart = new Uart()
    uart.store(IER, 1)
    uart.store(LCR, 0x83)
    uart.store(0, 0x34)
    uart.store(1, 0x12)
    expect([uart.load(0), uart.load(1)]).toEqual([0x34, 0x12])
    uart.store(LCR, 0x03)
    uart.store(SCR, 0x5a)
    uart.store(MCR, 0xe5)
    expect([LCR, IER, SCR, MCR, MSR].map((offset) => uart.load(offset))).toEqual([0x03, 1, 0x5a, 0x05, 0xb0])
    expect([uart.takeOutput().length, uart.load(9)]).toEqual([0, 0])
  })

  test('in loop-back what is written comes in again and nothing goes out; the modem outputs feed the modem inputs', () => {
    const uart = new Uart()
    uart.store(IER, 1)
    uart.store(MCR, 0x10)
    uart.store(THR, 0x41)
    expect([uart.takeOutput().length, uart.load(IIR), uart.load(RBR), uart.load(LSR)]).toEqual([0, 0x04, 0x41, 0x60])
    const lines = [0x11, 0x12, 0x14, 0x18, 0x1f].map((mcr) => {
      uart.store(MCR, mcr)
      return uart.load(MSR)
    })
    expect(lines).toEqual([0x20, 0x10, 0x40, 0x80, 0xf0])
  })

  test('resetting the receiver FIFO drops what is in the FIFO, and nothing that still waits outside', () => {
    const uart = new Uart()
    uart.store(FCR, 1)
    uart.receive(Uint8Array.from({ length: 20 }, (_, index) => index))
    uart.store(FCR, 3)
    expect(uart.load(IIR) & 0xc0).toBe(0xc0)
    expect(uart.load(RBR)).toBe(16)
  })

  test('switching the FIFOs on or off empties them (section 8.5)', () => {
    const uart = new Uart()
    uart.store(IER, 2)
    expect([uart.load(IIR), uart.load(IIR)]).toEqual([0x02, 0x01])
    uart.receive(latin1Octets('x'))
    uart.store(FCR, 1)
    expect([uart.load(LSR), uart.load(IIR), uart.load(IIR)]).toEqual([0x60, 0xc2, 0xc1])
    uart.receive(latin1Octets('kept'))
    uart.store(FCR, 0x81)
    expect([uart.load(LSR), uart.load(IIR)]).toEqual([0x61, 0xc1])
    uart.store(FCR, 0)
    expect([uart.load(LSR), uart.load(IIR)]).toEqual([0x60, 0x02])
  })

  test('typed octets not yet read move with the state, all of them', () => {
    const uart = new Uart()
    uart.store(IER, 1)
    uart.store(SCR, 7)
    uart.receive(latin1Octets('some typed text'))
    uart.load(RBR)
    const [queue, other] = [new ConsoleQueue(uart), new Uart()]
    other.loadState(uart.saveState())
    new ConsoleQueue(other).loadState(queue.saveState())
    expect([other.saveState(), new ConsoleQueue(other).saveState()]).toEqual([uart.saveState(), queue.saveState()])
    let text = ''
    while (other.load(LSR) & 1) text += String.fromCharCode(other.load(RBR))
    expect(text).toBe('ome typed text')
  })

  test.each<[StatePath, unknown]>([
    [['serial', 'ier'], 16],
    [['serial', 'divider'], -1],
    [['serial', 'fcr_vmstate'], 2],
    [['serial', 'serial/recv_fifo'], { recv_fifo: { data: new Uint8Array(16), head: 16, num: 0 } }],
    [['serial', 'serial/recv_fifo'], { recv_fifo: { data: new Uint8Array(16), head: 0, num: 17 } }],
  ])('refuses a state with %o %o', (path, value) => {
    expect(() => new Uart().loadState(withValue(new Uart().saveState(), path, value))).toThrow(WireError)
  })

  test('without FIFOs one octet is in the receiver, and the others wait', () => {
    const uart = new Uart()
    uart.receive(latin1Octets('abc'))
    expect(uart.saveState()).toMatchObject({ serial: { rbr: 97, lsr: 0x61 } })
    expect(latin1Text(uart.waiting())).toBe('bc')
  })

  test('a FIFO that is not filled to its trigger level has timed out, so that QEMU interrupts too', () => {
    const uart = new Uart()
    uart.store(IER, 1)
    uart.store(FCR, 0x81)
    uart.receive(latin1Octets('abcdefg'))
    const { serial } = uart.saveState() as { serial: StateValues }
    expect([serial['iir'], serial['serial/timeout_ipending']]).toEqual([0xcc, { timeout_ipending: 1 }])
    uart.receive(latin1Octets('h'))
    expect(uart.saveState()).toMatchObject({ serial: { iir: 0xc4 } })
  })

  test("what a real one's transmitter still holds is put out: shift register, then FIFO", () => {
    const fifo = { data: latin1Octets('cd_____________b'), head: 15, num: 3 }
    const uart = new Uart()
    uart.store(FCR, 1)
    const busy = withValue(uart.saveState(), ['serial', 'serial/tsr'], { tsr_retry: 1, thr: 0, tsr: 97 })
    uart.loadState(withValue(busy, ['serial', 'serial/xmit_fifo'], { xmit_fifo: fifo }))
    expect(latin1Text(uart.takeOutput())).toBe('abcd')
    uart.store(FCR, 0)
    const held = withValue(uart.saveState(), ['serial', 'serial/tsr'], { tsr_retry: 1, thr: 98, tsr: 97 })
    uart.loadState(withValue(held, ['serial', 'lsr'], 0))
    expect(latin1Text(uart.takeOutput())).toBe('ab')
  })
})
