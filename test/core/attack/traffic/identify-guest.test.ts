import { describe, expect, it } from 'vitest'
import { likelyGuests, surelyGuest } from '../../../../core/attack/traffic/identify-guest.js'

const known = [
  { name: 'small', signs: { sent: 1e6, downtime: 1e7 } },
  { name: 'large', signs: { sent: 4e6, downtime: 1e7 } },
  { name: 'slow to stop', signs: { sent: 4e6, downtime: 1e9 } },
]

describe('likelyGuests', () => {
  it('puts first whose octets and silence come nearest', () => {
    expect(likelyGuests({ sent: 1.2e6, downtime: 2e7 }, known).map(({ name }) => name)).toEqual([
      'small',
      'large',
      'slow to stop',
    ])
    expect(likelyGuests({ sent: 4e6, downtime: 8e8 }, known)[0]?.name).toBe('slow to stop')
    expect(likelyGuests({ sent: 4e6, downtime: 1e7 }, known)[0]).toEqual({ name: 'large', distance: 0 })
  })

  it('goes by what there is, and says nothing of nothing', () => {
    expect(likelyGuests({ sent: 1e6 }, known)[0]?.name).toBe('small')
    expect(likelyGuests({}, known)).toEqual([])
    expect(likelyGuests({ sent: 0 }, known)).toEqual([])
  })
})

describe('surelyGuest', () => {
  const twice = (name: string, sent: readonly [number, number]) =>
    sent.map((octets) => ({ name, signs: { sent: octets } }))

  it('names one that is farther from the others than moves of one guest from each other', () => {
    const guests = [...twice('a', [1000, 1010]), ...twice('b', [1200, 1210])]
    expect(surelyGuest({ sent: 1005 }, guests)).toBe('a')
    expect(surelyGuest({ sent: 1190 }, guests)).toBe('b')
  })

  it('names none when they differ more from themselves than from one another', () => {
    const guests = [...twice('a', [1000, 1300]), ...twice('b', [1100, 1400])]
    for (const sent of [1000, 1050, 1200, 1400]) expect(surelyGuest({ sent }, guests)).toBeNull()
    expect(surelyGuest({}, guests)).toBeNull()
    expect(surelyGuest({ sent: 1000 }, twice('a', [1000, 1000]))).toBeNull()
  })
})
