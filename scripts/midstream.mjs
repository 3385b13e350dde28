// npm run -s midstream -- <command>: the command line, built when its sources changed. Standard output is the command's.
import { spawn } from 'node:child_process'
import { buildIfStale } from './build.mjs'
import { ensureNodePackages } from './node-packages.mjs'
import { inProject } from './project.mjs'
import { say } from './terminal.mjs'

try {
  await ensureNodePackages()
  await buildIfStale(['cli'], { quiet: true })
} catch (error) {
  say(`midstream: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
}

// npm changes to the project's folder, so paths on the command line are meant from where it was called.
const child = spawn(process.execPath, [inProject('dist/cli/main.js'), ...process.argv.slice(2)], {
  stdio: 'inherit',
  cwd: process.env.INIT_CWD ?? process.cwd(),
})
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => child.kill(signal))
child.on('close', (status, signal) => process.exit(status ?? (signal === 'SIGINT' ? 130 : 1)))
