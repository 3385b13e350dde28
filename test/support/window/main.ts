// The window on the stand-in engine. `window.fixture` lets pictures and tests drive it.
import '@fontsource-variable/inter/index.css'
import '@fontsource-variable/jetbrains-mono/index.css'
import '@xterm/xterm/css/xterm.css'
import '../../../renderer/style/theme.css'
import '../../../renderer/style/base.css'
import { openWindow } from '../../../renderer/window.js'
import { FixtureEngine } from './fixture-engine.js'

declare global {
  interface Window {
    fixture: FixtureEngine
  }
}

window.fixture = new FixtureEngine()
openWindow('#app', window.fixture)
