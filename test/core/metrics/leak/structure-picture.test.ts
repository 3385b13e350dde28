import { expect, test } from 'vitest'
import { ZERO_PAGE_DIGEST } from '../../../../core/base/page-digest.js'
import { PICTURE_PAGES_MAX, structurePicture } from '../../../../core/metrics/leak/structure-picture.js'

const zero = ZERO_PAGE_DIGEST

test('the same letter for what is the same, in the truth and as it is seen; the largest class first', () => {
  const contents = [5, 7, 7, 7, 5, 9, zero, zero]
  expect(structurePicture(contents, [2, 1, 1, 1, 2, -6, 3, 3], new Set([3]))).toEqual({
    truth: 'baaab.00',
    seen: 'baaab.00',
  })
})

test('what the attacker does not see is unlike any other, and what it confuses has the letter of most', () => {
  const contents = [7, 7, 7, 8, 8]
  expect(structurePicture(contents, [1, 1, -3, 1, -5], new Set())).toEqual({ truth: 'aaabb', seen: 'aa.a.' })
  expect(structurePicture([1, 2], [4, 4], new Set())).toEqual({ truth: '..', seen: '++' })
})

test('more classes than letters share a sign, and the picture is no larger than it may be', () => {
  const contents = Array.from({ length: 60 }, (_, index) => 1000 + (index >> 1))
  expect(structurePicture(contents, contents, new Set()).truth.slice(50)).toBe('zz++++++++'.slice(0, 10))
  const many = Array.from({ length: PICTURE_PAGES_MAX + 5 }, () => 7)
  expect(structurePicture(many, many, new Set()).seen).toHaveLength(PICTURE_PAGES_MAX)
})
