import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plainFileName } from '../../../electron/main/file-name.js'

describe('plainFileName', () => {
  it.each([
    ['report.html', 'report.html'],
    ['Lab 01 report', 'Lab 01 report.html'],
    ['../../.bashrc', 'bashrc.html'],
    ['C:\\Windows\\x', 'C-Windows-x.html'],
    ['', 'midstream.html'],
  ])('%j becomes %j', (suggested, name) => expect(plainFileName(suggested, 'html')).toBe(name))

  it('never names a folder or a hidden file', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(plainFileName(text, 'json')).toMatch(/^[^./\\][^/\\]*\.json$/i)
      }),
    )
  })
})
