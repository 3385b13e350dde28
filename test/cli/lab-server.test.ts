import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { request } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLabServer, isOwnHost } from '../../cli/lab-server.js'
import { contentSecurityPolicy } from '../../electron/assets/content-security-policy.js'

let root: string
let server: Server
let port: number
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'midstream-served-'))
  await writeFile(join(root, 'index.html'), '<title>Midstream</title>')
  server = createLabServer({ root, host: '127.0.0.1' })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  port = (server.address() as AddressInfo).port
})
afterAll(async () => {
  server.close()
  server.closeAllConnections()
  await rm(root, { recursive: true, force: true })
})

/** fetch() tidies paths and forbids a Host header, so this asks by hand. */
async function ask(path: string, { method = 'GET', host = `127.0.0.1:${port}` } = {}) {
  const asked = request({ host: '127.0.0.1', port, path, method, headers: { Host: host } }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  let body = ''
  for await (const chunk of response) body += String(chunk)
  return { status: response.statusCode, headers: response.headers, body }
}

describe('lab server', () => {
  it('serves the page with its policy', async () => {
    const { status, headers, body } = await ask('/?theme=dark')
    expect(status).toBe(200)
    expect(headers['content-security-policy']).toBe(contentSecurityPolicy)
    expect(body).toContain('Midstream')
  })

  it('answers HEAD with the length and no body', async () => {
    const { status, headers, body } = await ask('/index.html', { method: 'HEAD' })
    expect([status, headers['content-length'], body]).toEqual([200, '24', ''])
  })

  it.each(['/../package.json', '/%2e%2e/package.json', '/assets/../../x', '/nothing.js', '//etc/passwd', '*'])(
    'has nothing at %s',
    async (path) => expect((await ask(path)).status).toBe(404),
  )

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('refuses %s', async (method) => {
    expect((await ask('/', { method })).status).toBe(405)
  })

  it('answers to its own names only', async () => {
    expect((await ask('/', { host: `localhost:${port}` })).status).toBe(200)
    expect((await ask('/', { host: `rebound.example:${port}` })).status).toBe(403)
    expect((await ask('/', { host: '127.0.0.1' })).status).toBe(403)
  })
})

describe('isOwnHost', () => {
  it('compares name and port', () => {
    expect(isOwnHost('127.0.0.1:8080', 8080, '127.0.0.1')).toBe(true)
    expect(isOwnHost('[::1]:8080', 8080, '::1')).toBe(true)
    expect(isOwnHost('10.0.0.7:8080', 8080, '10.0.0.7')).toBe(true)
    expect(isOwnHost('localhost', 80, '127.0.0.1')).toBe(true)
    for (const header of [undefined, '', '127.0.0.1:8081', '127.0.0.1:8080.example', 'x127.0.0.1:8080']) {
      expect(isOwnHost(header, 8080, '127.0.0.1')).toBe(false)
    }
  })
})
