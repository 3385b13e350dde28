// Child processes, waited for.
import { spawn } from 'node:child_process'

/**
 * Run a program with its output going where ours goes. Standard input is closed unless `interactive`.
 * A program that cannot be started counts as exit status 127, as in a shell.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, interactive?: boolean, quiet?: boolean, timeoutMs?: number }} [options]
 * @returns {Promise<{ status: number, output: string }>} `output` is filled when `quiet`
 */
export function run(command, args, { cwd, env, interactive = false, quiet = false, timeoutMs } = {}) {
  const input = interactive ? 'inherit' : 'ignore'
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: quiet ? [input, 'pipe', 'pipe'] : [input, 2, 2], // keep our standard output for results
      timeout: timeoutMs,
      windowsHide: true,
    })
    let output = ''
    const keep = (/** @type {Buffer} */ chunk) => (output += chunk.toString())
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    child.on('error', (error) => resolve({ status: 127, output: `${output}${error.message}\n` }))
    child.on('close', (status, signal) => resolve({ status: status ?? (signal ? 128 : 1), output }))
  })
}

/**
 * Run npm with this Node, whatever the platform calls its launcher.
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 */
export function runNpm(args, options) {
  const script = process.env.npm_execpath
  return script?.endsWith('.js')
    ? run(process.execPath, [script, ...args], options)
    : run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, options)
}
