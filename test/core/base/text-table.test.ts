import { describe, expect, it } from 'vitest'
import { textTable } from '../../../core/base/text-table.js'

describe('textTable', () => {
  it('sets columns of numbers to the right', () => {
    const lines = textTable(
      ['round', 'pages', 'channel'],
      [
        [1, 4096, 'none'],
        [12, 7, 'ssh'],
      ],
    )
    expect(lines).toEqual(['round  pages  channel', '    1   4096  none', '   12      7  ssh'])
  })

  it('shows a header without rows', () => expect(textTable(['a', 'b'], [])).toEqual(['a  b']))
})
