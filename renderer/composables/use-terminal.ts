/** A terminal on a console of the engine: shows its text, sends what is typed, follows theme and size. */
import { FitAddon } from '@xterm/addon-fit'
import { WebglAddon } from '@xterm/addon-webgl'
import { Terminal, type ITheme } from '@xterm/xterm'
import { onScopeDispose, ref, watch, type Ref } from 'vue'
import type { ConsoleFeed } from './use-session.js'
import { useSize } from './use-size.js'
import { injectTheme } from './use-theme.js'

export interface TerminalHandle {
  readonly isEmpty: Ref<boolean>
  readonly focus: () => void
}

export interface TerminalOptions {
  readonly label: string
  readonly type: (text: string) => void
  /** A key that belongs to the window, not to the console. */
  readonly isWindowKey: (event: KeyboardEvent) => boolean
}

const FONT_PX = 12
const SCROLL_BAR_PX = 8
const RESIZE_REST_MS = 60

export function useTerminal(
  host: Readonly<Ref<HTMLElement | null>>,
  feed: ConsoleFeed,
  { label, type, isWindowKey }: TerminalOptions,
): TerminalHandle {
  const { palette, scale } = injectTheme()
  const isEmpty = ref(feed.text === '')
  const size = useSize(host)
  const fit = new FitAddon()
  const terminal = new Terminal({
    fontFamily: "'JetBrains Mono Variable', ui-monospace, monospace",
    fontSize: FONT_PX * scale.value,
    lineHeight: 1.25,
    scrollback: 10_000,
    convertEol: true,
    cursorBlink: false,
    // As wide as the other panes' scroll bars.
    overviewRuler: { width: SCROLL_BAR_PX },
    minimumContrastRatio: 4.5,
    theme: terminalTheme(),
  })
  terminal.loadAddon(fit)
  terminal.onData(type)
  terminal.attachCustomKeyEventHandler((event) => !isWindowKey(event))

  const unfollow = feed.follow({
    write(text) {
      isEmpty.value = false
      terminal.write(text)
    },
    clear() {
      isEmpty.value = true
      terminal.reset()
    },
  })

  watch(
    host,
    (element) => {
      if (element === null || terminal.element !== undefined) return
      terminal.open(element)
      terminal.textarea?.setAttribute('aria-label', `${label}. Press F6 to leave the terminal.`)
      useWebgl(terminal)
      // Cells are measured by the font: measure again once it is there.
      void document.fonts.load(`${FONT_PX}px 'JetBrains Mono Variable'`).then(() => {
        terminal.options.fontFamily = "'JetBrains Mono Variable', ui-monospace, monospace "
        refit()
      })
    },
    { immediate: true, flush: 'post' },
  )

  let resizeTimer: ReturnType<typeof setTimeout> | undefined
  function refit(): void {
    if (size.value.width > 20 && size.value.height > 20 && terminal.element !== undefined) fit.fit()
  }
  watch(size, () => {
    clearTimeout(resizeTimer)
    resizeTimer = setTimeout(refit, RESIZE_REST_MS)
  })
  watch(
    [palette, scale],
    () => {
      terminal.options.theme = terminalTheme()
      terminal.options.fontSize = FONT_PX * scale.value
      refit()
    },
    { flush: 'post' },
  )
  onScopeDispose(() => {
    clearTimeout(resizeTimer)
    unfollow()
    terminal.dispose()
  })
  return { isEmpty, focus: () => terminal.focus() }
}

/** Drawing by WebGL is faster, but it may be missing or be lost: the terminal then falls back to elements. */
function useWebgl(terminal: Terminal): void {
  try {
    const webgl = new WebglAddon()
    webgl.onContextLoss(() => webgl.dispose())
    terminal.loadAddon(webgl)
  } catch {
    terminal.refresh(0, terminal.rows - 1)
  }
}

/** The window's palette as a console's sixteen colours, each keeping its meaning. */
function terminalTheme(): ITheme {
  const style = getComputedStyle(document.documentElement)
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim()
  return {
    background: colour('ground'),
    foreground: colour('text-2'),
    cursor: colour('text'),
    cursorAccent: colour('ground'),
    selectionBackground: colour('line-strong'),
    selectionForeground: colour('text'),
    overviewRulerBorder: colour('ground'),
    scrollbarSliderBackground: colour('line-strong'),
    scrollbarSliderHoverBackground: colour('control-line'),
    scrollbarSliderActiveBackground: colour('control-line'),
    black: colour('ground'),
    brightBlack: colour('text-3'),
    red: colour('clear'),
    brightRed: colour('clear'),
    green: colour('done'),
    brightGreen: colour('done'),
    yellow: colour('control'),
    brightYellow: colour('control'),
    blue: colour('guest'),
    brightBlue: colour('guest'),
    magenta: colour('attacker'),
    brightMagenta: colour('attacker'),
    cyan: colour('sealed'),
    brightCyan: colour('sealed'),
    white: colour('text-2'),
    brightWhite: colour('text'),
  }
}
