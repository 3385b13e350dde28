/**
 * Devices, with two bugs of the kinds that QEMU's had: an index that is trusted on load (as in CVE-2017-16845, hw/input/ps2.c), and a
 * length (as in CVE-2014-0182, hw/virtio/virtio.c).
 */
import { PAGE_OCTETS } from '../../base/units.js'
import { DEVICE_SIGNATURE, DEVICES, KEYBOARD_QUEUE_OCTETS } from '../wire/restore-stream.js'
import type { EmulatedProcess } from './emulated-process.js'

/** What the network card has room for, and its `struct { void (*notify)(...); ... }`. */
const CONFIG_OCTETS = 32
const OPERATIONS_OCTETS = 16
/** `struct { u8 data[256]; i32 rptr, wptr, count; }` */
const QUEUE_OCTETS = KEYBOARD_QUEUE_OCTETS + 12
/** What the guest's driver takes of its keyboard before it does something else. */
const KEYS_TAKEN_MAX = 2 * PAGE_OCTETS

export class DeviceModel {
  /** What the guest took of its keyboard when it went on. */
  keysTaken = new Uint8Array(0)
  private config = 0
  private operations = 0
  private keyboard = 0

  constructor(private readonly process: EmulatedProcess) {}

  load(): void {
    const { process } = this
    process.expectText(DEVICE_SIGNATURE)
    for (;;) {
      const device = process.take(1)[0]
      if (device === DEVICES.end) return
      if (device === DEVICES.keyboard) this.loadKeyboard()
      else if (device === DEVICES.networkCard) this.loadNetworkCard()
      else process.refuse(`there is no device ${device}`)
      process.routine = 'relocate'
    }
  }

  /** The guest runs: its card is told, and its keyboard read. */
  goOn(): void {
    const { process } = this
    if (this.operations !== 0) {
      process.routine = 'virtio_notify'
      const { virtioNotify } = process.options.layout.routines
      process.jump(process.load32(this.operations, 'operations.notify'), virtioNotify)
    }
    if (this.keyboard !== 0) this.readKeyboard()
    process.routine = 'relocate'
  }

  private loadKeyboard(): void {
    const { process } = this
    process.routine = 'ps2_load'
    if (this.keyboard === 0) this.keyboard = process.need(QUEUE_OCTETS, 'keyboard')
    process.write(this.keyboard, process.take(KEYBOARD_QUEUE_OCTETS), 'keyboard.data')
    const [rptr, wptr, count] = [process.wordBe(), process.wordBe(), process.wordBe()]
    const isOutside = (index: number): boolean => index >= KEYBOARD_QUEUE_OCTETS
    if (process.has('index-check') && (isOutside(rptr) || isOutside(wptr) || count > KEYBOARD_QUEUE_OCTETS))
      process.refuse(process.pass('index-check', 'an index beyond the keyboard’s queue'))
    process.pass('keyboard', null)
    const fields = this.keyboard + KEYBOARD_QUEUE_OCTETS
    process.store32(fields, rptr, 'keyboard.rptr')
    process.store32(fields + 4, wptr, 'keyboard.wptr')
    process.store32(fields + 8, count, 'keyboard.count')
  }

  private loadNetworkCard(): void {
    const { process } = this
    process.routine = 'virtio_load'
    if (this.config === 0) {
      this.config = process.need(CONFIG_OCTETS, 'config')
      this.operations = process.need(OPERATIONS_OCTETS, 'operations')
      process.store32(this.operations, process.options.layout.routines.virtioNotify, 'operations.notify')
    }
    const length = process.wordBe()
    if (process.has('length-check') && length > CONFIG_OCTETS)
      process.refuse(process.pass('length-check', `a configuration of ${length} octets`))
    process.pass('network card', null)
    if (!process.readExact(this.config, length, 'config')) process.refuse('the stream ends in a configuration')
  }

  /** `ps2_read_data`, as often as the guest's driver asks. */
  private readKeyboard(): void {
    const { process } = this
    process.routine = 'ps2_read_data'
    const fields = this.keyboard + KEYBOARD_QUEUE_OCTETS
    const keys: number[] = []
    while (keys.length < KEYS_TAKEN_MAX) {
      const count = process.load32(fields + 8, 'keyboard.count')
      if (count === 0) break
      const rptr = process.load32(fields, 'keyboard.rptr')
      keys.push(process.load8(this.keyboard + rptr, 'keyboard.data'))
      process.store32(fields, rptr + 1 === KEYBOARD_QUEUE_OCTETS ? 0 : rptr + 1, 'keyboard.rptr')
      process.store32(fields + 8, count - 1, 'keyboard.count')
      process.pass('key taken', null)
    }
    this.keysTaken = Uint8Array.from(keys)
  }
}
