import { describe, expect, test } from 'vitest'
import { WireError } from '../../../core/base/errors.js'
import { latin1Octets, latin1Text } from '../../../core/base/octets.js'
import { CONSOLE_QUEUE_OCTETS, Uart } from '../../../core/machine/uart.js'

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
    uart.receive(Uint8Array.from({ length: 20 }, (_, index) => index))
    uart.store(FCR, 3)
    expect(uart.load(IIR) & 0xc0).toBe(0xc0)
    expect(uart.load(RBR)).toBe(16)
  })

  test('typed octets not yet read move with the state, all of them', () => {
    const uart = new Uart()
    uart.store(IER, 1)
    uart.store(SCR, 7)
    uart.receive(latin1Octets('some typed text'))
    uart.load(RBR)
    const other = new Uart()
    other.loadState(uart.saveState())
    expect(other.saveState()).toEqual(uart.saveState())
    let text = ''
    while (other.load(LSR) & 1) text += String.fromCharCode(other.load(RBR))
    expect(text).toBe('ome typed text')
  })

  test.each([
    { recv_count: CONSOLE_QUEUE_OCTETS + 1 },
    { recv_queue: new Uint8Array(3) },
    { ier: 16 },
    { divider: -1 },
  ])('refuses the state %o', (damage) => {
    expect(() => new Uart().loadState({ ...new Uart().saveState(), ...damage })).toThrow(WireError)
  })
})
