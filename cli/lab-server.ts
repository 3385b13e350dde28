// The window, served to a browser of this machine. Read-only, no state, nothing but the built page.
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { readAsset } from '../electron/assets/asset.js'
import { securityHeaders } from '../electron/assets/content-security-policy.js'

export interface LabServerOptions {
  /** Folder of the built page. */
  readonly root: string
  /** Where to listen. Names other than this machine's own are accepted only when listening elsewhere was asked for. */
  readonly host: string
}

const ownNames = ['127.0.0.1', 'localhost', '[::1]']

/**
 * Whether a request's Host header is one this server answers to. Any other name means that a page elsewhere points its own
 * name at this machine (DNS rebinding).
 */
export function isOwnHost(header: string | undefined, port: number, host: string): boolean {
  const bound = host.includes(':') ? `[${host}]` : host
  return [...ownNames, bound].some((name) => header === `${name}:${port}` || (port === 80 && header === name))
}

export function createLabServer({ root, host }: LabServerOptions): Server {
  const server = createServer((request, response) => {
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    answer(request, response, port).catch((error: unknown) => {
      refuse(response, 500, error instanceof Error ? error.message : String(error))
    })
  })
  server.requestTimeout = 30_000
  server.headersTimeout = 10_000

  async function answer(request: IncomingMessage, response: ServerResponse, port: number): Promise<void> {
    const isAnyAddress = host === '0.0.0.0' || host === '::' // every name of the machine: asked for by the user
    if (!isAnyAddress && !isOwnHost(request.headers.host, port, host))
      return refuse(response, 403, 'Not for this name.')
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      return refuse(response, 405, 'Only GET and HEAD.')
    }
    const path = (request.url ?? '').split(/[?#]/)[0] ?? ''
    const asset = await readAsset(root, path)
    if (!asset) return refuse(response, 404, 'Not here.')
    response.writeHead(200, {
      ...securityHeaders,
      'Content-Type': asset.mediaType,
      'Content-Length': asset.octets.length,
      'Cache-Control': 'no-cache',
    })
    response.end(request.method === 'HEAD' ? undefined : asset.octets)
  }

  return server
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  if (response.headersSent) return void response.destroy()
  response.writeHead(status, { ...securityHeaders, 'Content-Type': 'text/plain; charset=utf-8' })
  response.end(`${reason}\n`)
}
