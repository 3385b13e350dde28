import type { Nanos } from '../base/units.js'

/** Who handles an event. Events are plain data; a process is an object that a kept state can hold. */
export interface Process {
  handleEvent(event: KernelEvent): void
}

/** What a process scheduled for itself or another. `kind` tells its events apart; the rest is its own. */
export interface KernelEvent {
  readonly kind: string
}

export interface QueuedEvent {
  atNs: Nanos
  /** Events of the same instant run in the order they were scheduled. */
  order: number
  readonly process: Process
  readonly event: KernelEvent
  cancelled: boolean
  /** Whether it is in the queue, cancelled or not. */
  isQueued: boolean
}

/** A binary heap on (time, order). */
export class EventQueue {
  private readonly heap: QueuedEvent[] = []

  get length(): number {
    return this.heap.length
  }

  /** The next event, or undefined. Cancelled events still count: the kernel skips them. */
  peek(): QueuedEvent | undefined {
    return this.heap[0]
  }

  push(entry: QueuedEvent): void {
    const { heap } = this
    let index = heap.length
    heap.push(entry)
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = heap[parentIndex] as QueuedEvent
      if (!before(entry, parent)) break
      heap[index] = parent
      index = parentIndex
    }
    heap[index] = entry
  }

  pop(): QueuedEvent | undefined {
    const { heap } = this
    const top = heap[0]
    const last = heap.pop()
    if (top === undefined || last === undefined || heap.length === 0) return top
    const { length } = heap
    let index = 0
    for (;;) {
      let childIndex = 2 * index + 1
      if (childIndex >= length) break
      let child = heap[childIndex] as QueuedEvent
      const right = heap[childIndex + 1]
      if (right !== undefined && before(right, child)) {
        child = right
        childIndex++
      }
      if (!before(child, last)) break
      heap[index] = child
      index = childIndex
    }
    heap[index] = last
    return top
  }
}

function before(a: QueuedEvent, b: QueuedEvent): boolean {
  return a.atNs < b.atNs || (a.atNs === b.atNs && a.order < b.order)
}
