import '@fontsource-variable/inter/index.css'
import '@fontsource-variable/jetbrains-mono/index.css'
import '@xterm/xterm/css/xterm.css'
import './style/theme.css'
import './style/base.css'
import { openWindow } from './window.js'
import { openEngine } from './engine/client.js'

openWindow('#app', openEngine())
