// serve: the window in a browser, for machines without Electron or without a display.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { InputError } from '../core/base/errors.js'
import { createLabServer } from './lab-server.js'

export async function serveCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: 'string', default: '0' },
      host: { type: 'string', default: '127.0.0.1' },
      open: { type: 'boolean', default: false },
    },
  })
  const port = portNumber(values.port)
  // This file is bundled into dist/cli/.
  const root = fileURLToPath(new URL('../renderer', import.meta.url))
  if (!existsSync(join(root, 'index.html'))) throw new InputError('the window is not built yet: npm run build')

  const server = createLabServer({ root, host: values.host })
  server.listen(port, values.host)
  try {
    await once(server, 'listening')
  } catch (error) {
    throw new InputError(
      `cannot listen on ${values.host} port ${port}: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  const { port: actualPort } = server.address() as AddressInfo
  const shownHost = values.host.includes(':') ? `[${values.host}]` : values.host
  const address = `http://${shownHost}:${actualPort}/`
  process.stdout.write(`Midstream is at ${address}\n`)
  if (values.open) openBrowser(address)

  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  server.close()
  server.closeAllConnections()
  return 0
}

function portNumber(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new InputError(`--port must be a number from 0 to 65535, not '${text}'`)
  return port
}

/** The address was printed, so a browser that does not open is only said. */
function openBrowser(address: string): void {
  const [command, ...args] =
    process.platform === 'darwin'
      ? ['open', address]
      : process.platform === 'win32'
        ? ['cmd', '/c', 'start', '', address]
        : ['xdg-open', address]
  const child = spawn(command ?? '', args, { stdio: 'ignore', detached: true })
  child.on('error', () => process.stderr.write('No browser opened by itself: open the address above.\n'))
  child.unref()
}
