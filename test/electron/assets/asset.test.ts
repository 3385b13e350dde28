import fc from 'fast-check'
import { resolve, sep } from 'node:path'
import { describe, expect, it } from 'vitest'
import { assetPath, mediaType } from '../../../electron/assets/asset.js'

const root = resolve('/page')

describe('assetPath', () => {
  it('finds files below the root', () => {
    expect(assetPath(root, '/')).toBe(resolve('/page/index.html'))
    expect(assetPath(root, '/assets/a%20b.js')).toBe(resolve('/page/assets/a b.js'))
  })

  const refused = [
    '',
    'index.html',
    '/../secret',
    '/%2e%2e/secret',
    '/..%2fsecret',
    '/a/../../secret',
    '/..\\secret',
    '/%00',
    '/%',
    '/.git/config',
    '/a/.env',
    '//../x',
  ]
  it.each(refused)('refuses %j', (path) => expect(assetPath(root, path)).toBeUndefined())

  it('never leaves the root', () => {
    const part = fc.constantFrom('..', '.', 'a', '%2e%2e', '%2f', '\\', '%5c', '%00', '//', '%252e%252e', '?', '~')
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const path = assetPath(root, `/${parts.join('/')}`)
        expect(path === undefined || path.startsWith(root + sep)).toBe(true)
      }),
    )
  })
})

describe('mediaType', () => {
  it('names scripts and pages so that nosniff accepts them', () => {
    expect(mediaType('/x/worker-1.js')).toMatch(/^text\/javascript/)
    expect(mediaType('X.HTML')).toMatch(/^text\/html/)
    expect(mediaType('unknown.bin')).toBe('application/octet-stream')
  })
})
