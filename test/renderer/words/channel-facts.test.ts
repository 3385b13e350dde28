import { describe, expect, test } from 'vitest'
import { channelNames, protectionOf } from '../../../core/secure/channels.js'
import { channelFacts } from '../../../renderer/words/channel-facts.js'
import { channelTitle } from '../../../renderer/words/terms.js'

describe('what a channel is good for', () => {
  test('speaks for a modern one and against one of the past', () => {
    const verdicts = (name: (typeof channelNames)[number]) =>
      channelFacts({ name, ...protectionOf(name) }).map(({ isGood }) => isGood)
    expect(verdicts('tls')).toEqual([true, true, true, true, true, true, true, null])
    expect(verdicts('none').filter((isGood) => isGood === true)).toHaveLength(1)
    expect(verdicts('des-cbc')).toContain(false)
  })

  test('is said under a title of its own for every channel', () => {
    const titles = channelNames.map(channelTitle)
    expect(new Set(titles).size).toBe(channelNames.length)
    for (const [index, name] of channelNames.entries()) expect(titles[index]).not.toBe(name)
  })
})
