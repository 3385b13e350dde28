import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contentSecurityPolicy } from '../../../electron/assets/content-security-policy.js'
import { answerAppRequest } from '../../../electron/main/app-request.js'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'midstream-page-'))
  await writeFile(join(root, 'index.html'), '<title>Midstream</title>')
})
afterAll(() => rm(root, { recursive: true, force: true }))

const ask = (url: string, method = 'GET') => answerAppRequest(root, { url, method })

describe('answerAppRequest', () => {
  it('answers with the page and its policy', async () => {
    const response = await ask('app://midstream/')
    expect(response.status).toBe(200)
    expect(response.headers.get('Content-Type')).toBe('text/html; charset=utf-8')
    expect(await response.text()).toContain('Midstream')
  })

  it.each([
    ['app://other/', 'GET', 403],
    ['app://midstream/', 'POST', 405],
    ['app://midstream/missing.js', 'GET', 404],
    ['app://midstream/..%2f..%2fetc%2fpasswd', 'GET', 404],
  ])('refuses %s by %s with %i, under the same policy', async (url, method, status) => {
    const response = await ask(url, method)
    expect(response.status).toBe(status)
    expect(response.headers.get('Content-Security-Policy')).toBe(contentSecurityPolicy)
  })
})
