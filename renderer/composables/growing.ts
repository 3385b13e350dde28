/** Lists that only grow, and are shown a few times a second at most. */
import { shallowRef, type ShallowRef } from 'vue'

/** A list that only grows; a new wrapper each time it did, so that watchers notice. */
export interface Grown<T> {
  readonly items: readonly T[]
}

/** The latest kept of each list; older ones stay in the engine and in what it exports. Frames of half a dozen runs fit. */
const MOST_ITEMS = 150_000
/** Between two showings. */
export const SLOWLY_MS = 100

export function growing<T>() {
  let items: T[] = []
  let isPublished = true
  const grown: ShallowRef<Grown<T>> = shallowRef({ items })
  return {
    grown,
    add(more: readonly T[]): void {
      if (more.length === 0) return
      for (const item of more) items.push(item)
      if (items.length > MOST_ITEMS) items = items.slice(-MOST_ITEMS * 0.8)
      isPublished = false
    },
    clear(): void {
      isPublished = items.length === 0
      items = []
    },
    publish(): void {
      if (!isPublished) grown.value = { items }
      isPublished = true
    },
  }
}
