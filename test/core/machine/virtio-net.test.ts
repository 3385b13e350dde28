import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { WireError } from '../../../core/base/errors.js'
import { RAM_BASE } from '../../../core/cpu/memory.js'
import type { StateValues } from '../../../core/machine/device-state.js'
import { Ram } from '../../../core/machine/ram.js'
import { VirtioNet } from '../../../core/machine/virtio-net.js'
import { valueAt, withValue, type StatePath } from '../../support/device-states.js'
import { GUEST_MAC, MIB } from '../../support/guest-machine.js'

/** The transport's own part of the state. */
const TRANSPORT = ['virtio', 'common', 'virtio/extra_state', 'transport', 'virtio_mmio/state'] as const
const SIZE = 8
const DESC_NEXT = 1
const DESC_WRITE = 2

interface Descriptor {
  offset: number
  length: number
  flags?: number
  next?: number
}

/** A driver with its rings in RAM: queue q has its table at 0x1000 (q + 1), available ring 0x400 and used ring 0x800 on. */
class Driver {
  readonly ram = new Ram(MIB)
  readonly nic = new VirtioNet(this.ram, GUEST_MAC)
  private readonly view = new DataView(this.ram.octets.buffer)

  constructor({ features = [1 << 5, 1], status = 15 } = {}) {
    this.set(0x070, 3)
    for (const [select, word] of features.entries()) {
      this.set(0x024, select)
      this.set(0x020, word)
    }
    this.set(0x070, 11)
    for (const queue of [0, 1]) {
      this.set(0x030, queue)
      this.set(0x038, SIZE)
      for (const [register, at] of [
        [0x080, 0],
        [0x090, 0x400],
        [0x0a0, 0x800],
      ] as const)
        this.set(register, RAM_BASE + this.table(queue) + at)
      this.set(0x044, 1)
    }
    this.set(0x070, status)
  }

  table(queue: number): number {
    return 0x1000 * (queue + 1)
  }
  set(register: number, value: number): void {
    this.nic.store(register, 4, value >>> 0)
  }
  get(register: number): number {
    return this.nic.load(register, 4)
  }

  describe(queue: number, index: number, { offset, length, flags = 0, next = 0 }: Descriptor): void {
    const at = this.table(queue) + 16 * index
    this.view.setUint32(at, RAM_BASE + offset, true)
    this.view.setUint32(at + 4, 0, true)
    this.view.setUint32(at + 8, length, true)
    this.view.setUint16(at + 12, flags, true)
    this.view.setUint16(at + 14, next, true)
  }

  /** Make the chain that begins at `head` available, and tell the device. */
  offer(queue: number, head: number): void {
    const at = this.table(queue) + 0x400
    const index = this.view.getUint16(at + 2, true)
    this.view.setUint16(at + 4 + 2 * (index % SIZE), head, true)
    this.view.setUint16(at + 2, index + 1, true)
    this.set(0x050, queue)
  }

  /** Entries of the used ring: heads and lengths. */
  used(queue: number): [number, number][] {
    const at = this.table(queue) + 0x800
    const count = this.view.getUint16(at + 2, true)
    return Array.from({ length: count }, (_, i) => {
      const entry = at + 4 + 8 * (i % SIZE)
      return [this.view.getUint32(entry, true), this.view.getUint32(entry + 4, true)]
    })
  }
}

const frame = Uint8Array.from({ length: 60 }, (_, index) => index + 1)

describe('virtio-net over virtio-mmio (VIRTIO 1.1)', () => {
  test('tells what it is: magic, version 2, network, its features, queue size, MAC and link', () => {
    const { nic, ...driver } = new Driver()
    void driver
    expect([0, 4, 8, 0xc, 0x34].map((register) => nic.load(register, 4))).toEqual([0x74726976, 2, 1, 0x554d4551, 256])
    const features = [0, 1, 2].map((select) => {
      nic.store(0x014, 4, select)
      return nic.load(0x010, 4)
    })
    expect(features).toEqual([(1 << 5) | (1 << 16), 1, 0])
    expect(Array.from({ length: 7 }, (_, index) => nic.load(0x100 + index, 1))).toEqual([...GUEST_MAC, 1])
    expect([nic.load(0, 2), nic.store(0x70, 1, 0)]).toEqual([0, true])
  })

  test('FEATURES_OK does not stay for a driver of the legacy device, or one that wants what was not offered', () => {
    expect(new Driver().get(0x070)).toBe(15)
    expect(new Driver({ features: [1 << 5, 0] }).get(0x070)).toBe(7)
    expect(new Driver({ features: [1 << 9, 1] }).get(0x070)).toBe(7)
  })

  test('sends the frame of a chain of several buffers, without the header, and gives the chain back', () => {
    const driver = new Driver()
    driver.ram.write(0x8000 + 12, frame.subarray(0, 20))
    driver.ram.write(0x9000, frame.subarray(20))
    driver.describe(1, 3, { offset: 0x8000, length: 32, flags: DESC_NEXT, next: 5 })
    driver.describe(1, 5, { offset: 0x9000, length: 40 })
    driver.offer(1, 3)
    expect(driver.nic.takeFrames()).toEqual([frame])
    expect(driver.nic.takeFrames()).toEqual([])
    expect(driver.used(1)).toEqual([[3, 0]])
    expect([driver.nic.isInterrupting(), driver.get(0x060)]).toEqual([true, 1])
    driver.set(0x064, 1)
    expect(driver.nic.isInterrupting()).toBe(false)
  })

  test('writes a received frame behind its header, over several buffers, and marks the pages dirty', () => {
    const driver = new Driver()
    driver.describe(0, 0, { offset: 0x8000, length: 30, flags: DESC_WRITE | DESC_NEXT, next: 1 })
    driver.describe(0, 1, { offset: 0x9000, length: 1500, flags: DESC_WRITE })
    driver.offer(0, 0)
    driver.ram.startDirtyLog()
    driver.nic.receiveFrame(frame)
    expect([...driver.ram.octets.subarray(0x8000, 0x800c)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0])
    expect(driver.ram.octets.subarray(0x800c, 0x801e)).toEqual(frame.subarray(0, 18))
    expect(driver.ram.octets.subarray(0x9000, 0x9000 + 42)).toEqual(frame.subarray(18))
    expect(driver.used(0)).toEqual([[0, 72]])
    const dirty = new Uint32Array(8)
    driver.ram.takeDirty(dirty)
    expect(dirty[0]).toBe((1 << 8) | (1 << 9) | (1 << 1)) // two buffers, and the page of the used ring
    expect([driver.nic.isInterrupting(), driver.nic.droppedFrames]).toEqual([true, 0])
  })

  test('drops frames when there is no buffer, when they are too long, and before DRIVER_OK', () => {
    const driver = new Driver()
    driver.nic.receiveFrame(frame)
    driver.describe(0, 0, { offset: 0x8000, length: 2000, flags: DESC_WRITE })
    driver.offer(0, 0)
    driver.nic.receiveFrame(new Uint8Array(1515))
    expect([driver.nic.droppedFrames, driver.used(0)]).toEqual([2, []])
    const early = new Driver({ status: 11 })
    early.describe(0, 0, { offset: 0x8000, length: 2000, flags: DESC_WRITE })
    early.offer(0, 0)
    early.nic.receiveFrame(frame)
    expect([early.nic.droppedFrames, early.used(0)]).toEqual([1, []])
  })

  test('a driver that asks for quiet is not interrupted', () => {
    const driver = new Driver()
    driver.ram.octets[driver.table(1) + 0x400] = 1
    driver.describe(1, 0, { offset: 0x8000, length: 72 })
    driver.offer(1, 0)
    expect([driver.nic.takeFrames().length, driver.nic.isInterrupting()]).toEqual([1, false])
  })

  test.each<[string, (driver: Driver) => void]>([
    ['a buffer outside RAM', (driver) => driver.describe(1, 0, { offset: MIB - 4, length: 72 })],
    ['a loop', (driver) => driver.describe(1, 0, { offset: 0, length: 1, flags: DESC_NEXT, next: 0 })],
    [
      'an index past the table',
      (driver) => {
        driver.describe(1, 0, { offset: 0, length: 1, flags: DESC_NEXT, next: SIZE })
        driver.describe(1, SIZE, { offset: 0x8000, length: 72 })
      },
    ],
    ['a ring outside RAM', (driver) => driver.set(0x090, 0x1000)],
    ['a table above 4 GiB', (driver) => driver.set(0x084, 1)],
    ['a used ring that is not aligned', (driver) => driver.set(0x0a0, RAM_BASE + driver.table(1) + 0x802)],
    ['a used ring of which the end is outside RAM', (driver) => driver.set(0x0a0, RAM_BASE + MIB - 16)],
    [
      'more chains than there are entries',
      (driver) => driver.ram.write(driver.table(1) + 0x402, Uint8Array.of(SIZE + 1)),
    ],
  ])('%s breaks the contract: the device asks for a reset and does nothing until it comes', (_name, damage) => {
    const driver = new Driver()
    driver.describe(1, 0, { offset: 0x8000, length: 72 })
    driver.set(0x030, 1)
    damage(driver)
    driver.offer(1, 0)
    expect([driver.get(0x070), driver.get(0x060), driver.used(1)]).toEqual([15 | 64, 2, []])
    driver.set(0x070, 15)
    expect(driver.get(0x070)).toBe(15 | 64)
    driver.offer(1, 0)
    driver.describe(0, 0, { offset: 0x8000, length: 2000, flags: DESC_WRITE })
    driver.offer(0, 0)
    driver.nic.receiveFrame(frame)
    expect([driver.nic.takeFrames(), driver.used(0), driver.get(0x070)]).toEqual([[], [], 15 | 64])
    driver.set(0x070, 0)
    expect([driver.get(0x070), driver.get(0x060), driver.get(0x044)]).toEqual([0, 0, 0])
  })

  test('a chain may have as many buffers as the queue, and end where RAM does', () => {
    const driver = new Driver()
    const start = MIB - 72
    driver.ram.write(start + 12, frame)
    for (let index = 0; index < SIZE; index++) {
      const [flags, next] = index < SIZE - 1 ? [DESC_NEXT, index + 1] : [0, 0]
      driver.describe(1, index, { offset: start + 9 * index, length: 9, flags, next })
    }
    driver.offer(1, 0)
    expect(driver.nic.takeFrames()).toEqual([frame])
  })

  test.each([
    [12, 0],
    [13, 1],
    [12 + 1514, 1],
    [12 + 1515, 0],
  ])('a chain of %i octets to send is given back, and is %i frames', (length, frames) => {
    const driver = new Driver()
    driver.describe(1, 0, { offset: 0x8000, length })
    driver.offer(1, 0)
    expect([driver.nic.takeFrames().length, driver.used(1)]).toEqual([frames, [[0, 0]]])
  })

  test('notified of nothing to send it does not interrupt', () => {
    const driver = new Driver()
    driver.set(0x050, 1)
    expect(driver.nic.isInterrupting()).toBe(false)
  })

  test('what is not to be written to is left alone, and a frame that does not fit is dropped', () => {
    const driver = new Driver()
    driver.describe(0, 0, { offset: 0x8000, length: 50, flags: DESC_NEXT, next: 1 })
    driver.describe(0, 1, { offset: 0x9000, length: 12 + 1514, flags: DESC_WRITE })
    driver.describe(0, 2, { offset: 0xa000, length: 71, flags: DESC_WRITE })
    driver.offer(0, 0)
    driver.offer(0, 2)
    driver.nic.receiveFrame(new Uint8Array(1514).fill(7))
    driver.nic.receiveFrame(frame)
    expect(driver.ram.octets.subarray(0x8000, 0x8032).some((octet) => octet !== 0)).toBe(false)
    expect(driver.used(0)).toEqual([
      [0, 1526],
      [2, 0],
    ])
    expect(driver.nic.droppedFrames).toBe(1)
  })

  test('a queue in use keeps its size; after a reset the rings begin at their first entries', () => {
    const driver = new Driver()
    driver.set(0x030, 1)
    driver.set(0x038, 4)
    const queue = (): StateValues => valueAt(driver.nic.saveState(), [...TRANSPORT, 'tx']) as StateValues
    expect(queue()['num']).toBe(SIZE)
    driver.describe(1, 0, { offset: 0x8000, length: 72 })
    for (let count = 0; count < 300; count++) driver.offer(1, 0)
    expect([driver.nic.takeFrames().length, driver.used(1).length]).toEqual([300, 300])
    driver.set(0x070, 0)
    expect([queue()['num'], queue()['desc']]).toEqual([0, [0, 0]])
    expect(valueAt(driver.nic.saveState(), ['virtio', 'tx'])).toEqual({ num: 256, desc: 0n, last_avail_idx: 0 })
    expect(driver.nic.isNeeded()).toBe(false)
  })

  describe('while pages are missing', () => {
    const receiving = (driver: Driver, index: number, offset: number): void => {
      driver.describe(0, index, { offset, length: 2000, flags: DESC_WRITE })
      driver.offer(0, index)
    }
    const sending = (driver: Driver, index: number, offset: number): void => {
      driver.ram.octets[offset + 12] = index
      driver.describe(1, index, { offset, length: 13 })
      driver.offer(1, index)
    }
    const expectPage = (driver: Driver, page: number): void => {
      const bits = new Uint32Array(8)
      bits[page >>> 5]! |= 1 << (page & 31)
      driver.ram.expectPages(bits)
    }
    const arrive = (driver: Driver, page: number, contents = new Uint8Array(4096)): void => {
      driver.ram.pageArrived(page, contents)
      driver.nic.retry()
    }

    test('frames wait for their buffers in the order they came, and none overtakes', () => {
      const driver = new Driver()
      receiving(driver, 0, 0x8000)
      receiving(driver, 1, 0x9800)
      receiving(driver, 2, 0xa000)
      expectPage(driver, 8)
      for (const octet of [1, 2]) driver.nic.receiveFrame(Uint8Array.of(octet))
      expect([driver.nic.missingPage, driver.used(0)]).toEqual([8, []])
      expectPage(driver, 9)
      arrive(driver, 8)
      expect([driver.nic.missingPage, driver.used(0)]).toEqual([9, [[0, 13]]])
      driver.nic.receiveFrame(Uint8Array.of(3))
      arrive(driver, 9)
      expect(driver.used(0)).toEqual([0, 1, 2].map((head) => [head, 13]))
      expect([0x8000, 0x9800, 0xa000].map((at) => driver.ram.octets[at + 12])).toEqual([1, 2, 3])
      expect([driver.nic.missingPage, driver.nic.droppedFrames]).toEqual([-1, 0])
    })

    test('more than 512 frames do not wait', () => {
      const driver = new Driver()
      receiving(driver, 0, 0x8000)
      expectPage(driver, 8)
      for (let count = 0; count < 515; count++) driver.nic.receiveFrame(frame)
      expect(driver.nic.droppedFrames).toBe(3)
    })

    test('what was sent before a missing buffer is sent once, what comes behind it when its page is there', () => {
      const driver = new Driver()
      expectPage(driver, 9)
      sending(driver, 0, 0x8000)
      sending(driver, 1, 0x9000)
      sending(driver, 2, 0x8800)
      expect(driver.nic.takeFrames()).toEqual([Uint8Array.of(0)])
      expect([driver.nic.missingPage, driver.used(1)]).toEqual([9, [[0, 0]]])
      arrive(driver, 9, new Uint8Array(4096).fill(1))
      expect(driver.nic.takeFrames()).toEqual([Uint8Array.of(1), Uint8Array.of(2)])
      expect([driver.nic.missingPage, driver.used(1).length]).toEqual([-1, 3])
    })

    test('a ring that is not there is waited for as well', () => {
      const driver = new Driver()
      driver.set(0x030, 1)
      driver.set(0x0a0, RAM_BASE + 0xb000)
      expectPage(driver, 0xb)
      sending(driver, 0, 0x8000)
      expect([driver.nic.takeFrames(), driver.nic.missingPage]).toEqual([[], 0xb])
      arrive(driver, 0xb)
      expect([driver.nic.takeFrames().length, driver.ram.octets[0xb002]]).toEqual([1, 1])
    })

    test('a reset forgets what waits', () => {
      const driver = new Driver()
      receiving(driver, 0, 0x8000)
      expectPage(driver, 8)
      expectPage(driver, 9)
      driver.nic.receiveFrame(frame)
      sending(driver, 0, 0x9000)
      driver.set(0x070, 0)
      expect(driver.nic.missingPage).toBe(-1)
      arrive(driver, 8)
      expect([driver.nic.droppedFrames, driver.nic.isInterrupting()]).toEqual([0, false])
    })
  })

  test('ring positions move with the state: the copy goes on with the next buffer', () => {
    const driver = new Driver()
    for (const index of [0, 1])
      driver.describe(0, index, { offset: 0x8000 + 0x800 * index, length: 2000, flags: DESC_WRITE })
    driver.offer(0, 0)
    driver.offer(0, 1)
    driver.nic.receiveFrame(frame)
    const ram = new Ram(MIB)
    ram.write(0, driver.ram.octets)
    const other = new VirtioNet(ram, new Uint8Array(6))
    other.loadState(driver.nic.saveState())
    expect(other.saveState()).toEqual(driver.nic.saveState())
    other.receiveFrame(frame.toReversed())
    driver.nic.receiveFrame(frame.toReversed())
    expect(Buffer.compare(ram.octets, driver.ram.octets)).toBe(0)
    expect(other.load(0x100, 1)).toBe(GUEST_MAC[0])
  })

  test('random register writes and rings never escape RAM, hang or throw', () => {
    const store = fc.record({
      register: fc.constantFrom(
        0x014,
        0x020,
        0x024,
        0x030,
        0x038,
        0x044,
        0x050,
        0x064,
        0x070,
        0x080,
        0x084,
        0x090,
        0x0a0,
        0x100,
      ),
      value: fc.oneof(
        fc.nat(300),
        fc.integer({ min: 0, max: 0xffff_ffff }),
        fc.constantFrom(RAM_BASE, RAM_BASE + MIB - 2),
      ),
    })
    const driver = new Driver()
    fc.assert(
      fc.property(
        fc.array(store, { maxLength: 30 }),
        fc.uint8Array({ minLength: 64, maxLength: 200 }),
        (stores, rings) => {
          driver.ram.write(driver.table(1), rings)
          driver.ram.write(driver.table(1) + 0x400, rings)
          for (const { register, value } of stores) driver.set(register, value)
          driver.nic.receiveFrame(frame)
          for (const sent of driver.nic.takeFrames()) expect(sent.length).toBeLessThanOrEqual(1514)
          new VirtioNet(driver.ram, GUEST_MAC).loadState(driver.nic.saveState())
        },
      ),
      { numRuns: 300 },
    )
  })

  test.each<[StatePath, unknown]>([
    [[...TRANSPORT, 'rx', 'num'], 3],
    [[...TRANSPORT, 'tx', 'num'], 512],
    [[...TRANSPORT, 'rx', 'num'], 0],
    [[...TRANSPORT, 'rx', 'desc'], 5],
    [['virtio', 'isr'], 4],
    [['virtio', 'mac'], new Uint8Array(5)],
    [['virtio', 'guest_features'], 1],
    [['virtio', 'common', 'virtio/extra_state'], undefined],
    [['virtio', 'common', 'virtio/64bit_features'], { guest_features: 1n << 34n }],
  ])('refuses a state with %o %o', (path, value) => {
    const { nic } = new Driver()
    expect(() => nic.loadState(withValue(nic.saveState(), path, value))).toThrow(WireError)
  })

  test('a frame that a real device was told of and had not sent yet is sent', () => {
    const driver = new Driver()
    driver.describe(1, 0, { offset: 0x8000, length: 72 })
    const before = driver.nic.saveState()
    driver.offer(1, 0)
    driver.nic.takeFrames()
    const other = new VirtioNet(driver.ram, GUEST_MAC)
    other.loadState(withValue(before, ['virtio', 'tx_waiting'], 1))
    expect(other.takeFrames()).toHaveLength(1)
  })
})
