// What the windows under test need: the built app, an Electron, and a display (Xvfb, when there is none).
import { spawn } from 'node:child_process'
import { buildIfStale } from '../../scripts/build.mjs'
import { electronForTests } from '../../scripts/electron-runtime.mjs'

export default async function globalSetup(): Promise<() => void> {
  await buildIfStale()
  process.env.MIDSTREAM_ELECTRON = await electronForTests()
  if (process.platform !== 'linux' || process.env.DISPLAY || process.env.WAYLAND_DISPLAY) return () => undefined
  const { display, stop } = await startXvfb()
  process.env.DISPLAY = display
  return stop
}

/** Xvfb picks a free display number itself and writes it to the third descriptor. */
function startXvfb(): Promise<{ display: string; stop: () => void }> {
  const args = ['-displayfd', '3', '-screen', '0', '1600x1000x24', '-nolisten', 'tcp']
  const child = spawn('Xvfb', args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
  const numbers = child.stdio[3] as NodeJS.ReadableStream
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new Error(`Xvfb does not start (apt-get install xvfb): ${error.message}`)))
    child.on('exit', (status) => reject(new Error(`Xvfb ended at once with status ${status}`)))
    let text = ''
    numbers.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes('\n')) resolve({ display: `:${text.trim()}`, stop: () => void child.kill() })
    })
  })
}
