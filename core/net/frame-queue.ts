/** First in, first out: a ring that grows. Pushing and shifting make no garbage once it is large enough. */
export class FrameQueue<T> {
  private slots: (T | undefined)[] = new Array<T | undefined>(8).fill(undefined)
  private head = 0
  private count = 0

  get length(): number {
    return this.count
  }

  push(item: T): void {
    if (this.count === this.slots.length) this.grow()
    this.slots[(this.head + this.count) & (this.slots.length - 1)] = item
    this.count++
  }

  peek(): T | undefined {
    return this.count === 0 ? undefined : this.slots[this.head]
  }

  shift(): T | undefined {
    if (this.count === 0) return undefined
    const item = this.slots[this.head]
    this.slots[this.head] = undefined
    this.head = (this.head + 1) & (this.slots.length - 1)
    this.count--
    return item
  }

  clear(): void {
    this.slots = new Array<T | undefined>(8).fill(undefined)
    this.head = 0
    this.count = 0
  }

  /** The length stays a power of two, so that wrapping is a mask. */
  private grow(): void {
    const { slots, head } = this
    const grown = [...slots.slice(head), ...slots.slice(0, head)]
    grown.length = slots.length * 2
    this.slots = grown.fill(undefined, slots.length)
    this.head = 0
  }
}
