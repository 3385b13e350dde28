/** A queue as three parts of QEMU's section have it: common to all transports, its rings, and the transport's registers. */
import type { StateValues } from './device-state.js'
import type { StateReader } from './state-values.js'
import { QUEUE_SIZE_DEFAULT } from './virtio-net-description.js'
import { QUEUE_SIZE_MAX, type Virtqueue } from './virtqueue.js'

/** QEMU's queue has a size from the start; until the driver sets one, the transport's register says 0. */
export function isDefaultSize(size: number): boolean {
  return size === 0 || size === QUEUE_SIZE_DEFAULT
}

/** Rings have their places from the time the queue is ready. */
export function savedQueue(queue: Virtqueue): StateValues {
  return {
    num: queue.size === 0 ? QUEUE_SIZE_DEFAULT : queue.size,
    desc: queue.isReady ? join(queue.descriptorHigh, queue.descriptorLow) : 0n,
    last_avail_idx: queue.lastAvailable,
  }
}

export function savedRings(queue: Virtqueue): StateValues {
  return {
    avail: queue.isReady ? join(queue.driverHigh, queue.driverLow) : 0n,
    used: queue.isReady ? join(queue.deviceHigh, queue.deviceLow) : 0n,
  }
}

export function savedRegisters(queue: Virtqueue): StateValues {
  return {
    num: queue.size,
    enabled: queue.isReady,
    desc: [queue.descriptorLow, queue.descriptorHigh],
    avail: [queue.driverLow, queue.driverHigh],
    used: [queue.deviceLow, queue.deviceHigh],
  }
}

export function loadedQueue(common: StateReader, registers: StateReader): Partial<Virtqueue> {
  const size = registers.number('num', QUEUE_SIZE_MAX)
  const isReady = registers.bool('enabled')
  if ((size & (size - 1)) !== 0 || (isReady && size === 0)) registers.refuse('num', 'not a power of two')
  const [descriptorLow, descriptorHigh] = registers.numbers('desc', 2, 0xffff_ffff) as [number, number]
  const [driverLow, driverHigh] = registers.numbers('avail', 2, 0xffff_ffff) as [number, number]
  const [deviceLow, deviceHigh] = registers.numbers('used', 2, 0xffff_ffff) as [number, number]
  return {
    ...{ size, isReady, descriptorLow, descriptorHigh, driverLow, driverHigh, deviceLow, deviceHigh },
    ...{ lastAvailable: common.number('last_avail_idx', 0xffff), usedIndex: null },
  }
}

export function join(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low)
}
