import { describe, expect, it } from 'vitest'
import { LabError } from '../../../core/base/errors.js'
import { resolveWords } from '../../../core/lab/resolve-words.js'

describe('resolveWords', () => {
  const files = new Map([['boot.md', 'Press the button.']])

  it('puts a file’s text where its name stands, at any depth, and leaves the rest alone', () => {
    expect(resolveWords({ steps: [{ text: 'boot.md', minutes: 4, hint: 'read boot.md' }] }, files)).toEqual({
      steps: [{ text: 'Press the button.', minutes: 4, hint: 'read boot.md' }],
    })
  })

  it('names the place of a file that is not there', () => {
    const broken = (): unknown => resolveWords({ steps: [{ text: 'gone.md' }] }, files)
    expect(broken).toThrow(LabError)
    expect(broken).toThrow(/steps\[0\]\.text: there is no file gone\.md/)
  })
})
