/** Colours and size of the window: a theme by name, the system's by default, remembered. */
import { computed, inject, onScopeDispose, ref, watchEffect, type ComputedRef, type InjectionKey, type Ref } from 'vue'

export const themes = ['system', 'light', 'dark', 'high-contrast', 'projector'] as const
export type ThemeName = (typeof themes)[number]
export type Palette = 'light' | 'dark' | 'high-contrast'

export const themeTitles: Readonly<Record<ThemeName, string>> = {
  system: 'As the system',
  light: 'Light',
  dark: 'Dark',
  'high-contrast': 'High contrast',
  projector: 'Projector (large type)',
}

export interface Theme {
  readonly name: Ref<ThemeName>
  readonly palette: ComputedRef<Palette>
  readonly isPresenting: ComputedRef<boolean>
  /** Factor on every size: 1.35 on a projector. */
  readonly scale: ComputedRef<number>
  /** To the projector theme and back to the theme before it. */
  readonly togglePresenter: () => void
}

export const themeKey: InjectionKey<Theme> = Symbol('theme')

export function injectTheme(): Theme {
  const theme = inject(themeKey)
  if (theme === undefined) throw new Error('No theme was provided')
  return theme
}

const STORED_AS = 'midstream.theme'
export const PROJECTOR_SCALE = 1.35

export function paletteOf(name: ThemeName, system: { readonly dark: boolean; readonly contrast: boolean }): Palette {
  if (name === 'projector') return 'light'
  if (name !== 'system') return name
  if (system.contrast) return 'high-contrast'
  return system.dark ? 'dark' : 'light'
}

function isThemeName(text: string | null): text is ThemeName {
  return (themes as readonly (string | null)[]).includes(text)
}

export function useTheme(): Theme {
  const stored = localStorage.getItem(STORED_AS)
  const name = ref<ThemeName>(isThemeName(stored) ? stored : 'system')
  const before = ref<ThemeName>(name.value === 'projector' ? 'system' : name.value)
  const dark = useMediaQuery('(prefers-color-scheme: dark)')
  const contrast = useMediaQuery('(prefers-contrast: more)')
  const palette = computed(() => paletteOf(name.value, { dark: dark.value, contrast: contrast.value }))
  const isPresenting = computed(() => name.value === 'projector')
  const scale = computed(() => (isPresenting.value ? PROJECTOR_SCALE : 1))
  watchEffect(() => {
    localStorage.setItem(STORED_AS, name.value)
    document.documentElement.dataset.palette = palette.value
    document.documentElement.dataset.size = isPresenting.value ? 'projector' : 'desk'
  })
  return {
    name,
    palette,
    isPresenting,
    scale,
    togglePresenter() {
      if (isPresenting.value) name.value = before.value
      else {
        before.value = name.value
        name.value = 'projector'
      }
    },
  }
}

export function useMediaQuery(query: string): Ref<boolean> {
  const list = matchMedia(query)
  const matches = ref(list.matches)
  const follow = () => (matches.value = list.matches)
  list.addEventListener('change', follow)
  onScopeDispose(() => list.removeEventListener('change', follow))
  return matches
}
