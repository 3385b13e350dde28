/** The size of an element, in px, as it changes. */
import { onScopeDispose, shallowRef, watch, type Ref, type ShallowRef } from 'vue'

export interface Size {
  readonly width: number
  readonly height: number
}

export function useSize(host: Readonly<Ref<Element | null>>): Readonly<ShallowRef<Size>> {
  const size = shallowRef<Size>({ width: 0, height: 0 })
  const observer = new ResizeObserver((entries) => {
    const { width, height } = entries.at(-1)!.contentRect
    size.value = { width, height }
  })
  watch(
    host,
    (element) => {
      observer.disconnect()
      if (element !== null) observer.observe(element)
    },
    { immediate: true, flush: 'post' },
  )
  onScopeDispose(() => observer.disconnect())
  return size
}
