/** Puts a chart into an element: draws again when its data or the element's size changed, in an animation frame. */
import { onScopeDispose, watch, type Ref } from 'vue'
import type { ChartOptions } from '../charts/chart-frame.js'
import { useSize } from './use-size.js'
import { injectTheme } from './use-theme.js'

export function useChart<T>(
  host: Readonly<Ref<HTMLElement | null>>,
  data: () => T,
  draw: (data: T, options: ChartOptions) => SVGSVGElement,
): void {
  const size = useSize(host)
  const { scale } = injectTheme()
  let frame = 0

  function redraw(): void {
    frame = 0
    const { width, height } = size.value
    if (host.value === null || width < 40 || height < 40) return
    // Drawn in unscaled px: the view box enlarges type and strokes alike in the projector theme.
    const svg = draw(data(), { width: Math.round(width / scale.value), height: Math.round(height / scale.value) })
    svg.setAttribute('width', '100%')
    svg.setAttribute('height', '100%')
    svg.style.display = 'block'
    host.value.replaceChildren(svg)
  }

  watch(
    [data, size, scale],
    () => {
      if (frame === 0) frame = requestAnimationFrame(redraw)
    },
    { immediate: true },
  )
  onScopeDispose(() => cancelAnimationFrame(frame))
}
