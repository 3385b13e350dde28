/** Keys of the window. Single keys act only while nobody is typing; a terminal keeps every key but a few. */
import { onScopeDispose } from 'vue'

export interface Shortcut {
  /** As shown: `Space`, `.`, `Ctrl+K`. */
  readonly keys: string
  readonly run: () => void
}

/** Whether `event` is the chord written as `keys`; Ctrl also means Command. */
export function matches(event: KeyboardEvent, keys: string): boolean {
  const parts = keys.split('+')
  const key = parts.at(-1)!
  const wantsControl = parts.includes('Ctrl')
  if (wantsControl !== (event.ctrlKey || event.metaKey) || event.altKey) return false
  const isLetter = /^[a-z]$/i.test(key)
  // Punctuation such as `?` needs Shift on some keyboards: only letters and named keys look at it.
  if ((isLetter || key.length > 1) && parts.includes('Shift') !== event.shiftKey) return false
  const pressed = event.key === ' ' ? 'Space' : event.key
  return pressed.toLowerCase() === key.toLowerCase()
}

/** Chords that work from inside a terminal too, where shells use the others. */
export function isWindowKey(event: KeyboardEvent): boolean {
  return (
    matches(event, 'F6') ||
    matches(event, 'Shift+F6') ||
    matches(event, 'Ctrl+Shift+P') ||
    (event.metaKey && matches(event, 'Ctrl+K'))
  )
}

export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select'))
}

export function useKeyboard(shortcuts: () => readonly Shortcut[]): void {
  function press(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.repeat) return
    const inTerminal = event.target instanceof HTMLElement && event.target.closest('.xterm') !== null
    if (inTerminal && !isWindowKey(event)) return
    for (const { keys, run } of shortcuts()) {
      if (!matches(event, keys)) continue
      const isChord = keys.includes('+') || /^F\d/.test(keys)
      if (!isChord && isTyping(event.target)) return
      // Space and Enter press the focused button; they must not also play.
      if (
        keys === 'Space' &&
        event.target instanceof HTMLElement &&
        event.target.closest('button, a, summary, [role=tab]')
      )
        return
      if (document.querySelector('dialog[open]') !== null && !isChord) return
      event.preventDefault()
      return run()
    }
  }
  window.addEventListener('keydown', press)
  onScopeDispose(() => window.removeEventListener('keydown', press))
}

/** Moves focus to the next (or previous) region of the window: elements marked `data-region`, in order. */
export function cycleRegions(direction: 1 | -1): void {
  const regions = [...document.querySelectorAll<HTMLElement>('[data-region]')].filter(
    (region) => region.offsetParent !== null,
  )
  if (regions.length === 0) return
  const current = regions.findIndex((region) => region.contains(document.activeElement))
  const next = regions[(current + direction + regions.length) % regions.length]!
  const inner = next.querySelector<HTMLElement>('.xterm-helper-textarea') ?? next
  inner.focus()
}
