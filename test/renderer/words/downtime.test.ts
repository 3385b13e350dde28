import { expect, test } from 'vitest'
import { downtimeMeaning, downtimeText, hasDowntime } from '../../../renderer/words/downtime.js'

test('the downtime of a guest is a figure, and says when somebody kept it stopped anyway', () => {
  const run = { downtimeMs: 2.5, ownPause: 'none' } as const
  expect([downtimeText(run), downtimeMeaning(run), hasDowntime(run)]).toEqual(['2.5 ms', undefined, true])
  const before = { ...run, ownPause: 'before' } as const
  expect([downtimeText(before), hasDowntime(before)]).toEqual(['was paused', false])
  expect(downtimeMeaning(before)).toContain('Its last phase took 2.5 ms, which query-migrate calls downtime')
  const after = { ...run, ownPause: 'after' } as const
  expect([downtimeText(after), hasDowntime(after)]).toEqual(['2.5 ms, then paused', true])
  expect(downtimeMeaning(after)).toContain('could have run')
})
