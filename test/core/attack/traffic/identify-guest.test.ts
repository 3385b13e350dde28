import { describe, expect, it } from 'vitest'
import { likelyGuests } from '../../../../core/attack/traffic/identify-guest.js'

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
