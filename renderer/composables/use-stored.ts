/** A choice that is remembered between starts. */
import { ref, watch, type Ref } from 'vue'

export function useStored<T extends string | number>(key: string, initial: T): Ref<T> {
  const stored = localStorage.getItem(key)
  const value = ref(initial) as Ref<T>
  if (stored !== null) {
    const parsed: unknown = JSON.parse(stored)
    if (typeof parsed === typeof initial) value.value = parsed as T
  }
  watch(value, (next) => localStorage.setItem(key, JSON.stringify(next)))
  return value
}
