import { expect, it } from 'vitest'
import { cacheFolder } from '../../scripts/project.mjs'

it('keeps the cache where the platform keeps caches', () => {
  expect(cacheFolder({ XDG_CACHE_HOME: '/c' }, 'linux', '/home/u')).toBe('/c/midstream')
  expect(cacheFolder({}, 'linux', '/home/u')).toBe('/home/u/.cache/midstream')
  expect(cacheFolder({}, 'darwin', '/Users/u')).toBe('/Users/u/Library/Caches/midstream')
  expect(cacheFolder({ LOCALAPPDATA: '/l' }, 'win32', '/u')).toBe('/l/midstream/Cache')
})
