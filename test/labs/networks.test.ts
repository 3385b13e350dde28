import { describe, expect, it } from 'vitest'
import { exampleNetwork, exampleNetworks } from '../support/example-networks.js'

describe('the example networks', () => {
  it('are there', () => {
    expect(exampleNetworks).toEqual([
      'arp-inspection',
      'double-tag',
      'ipv6',
      'lossy-path',
      'mac-flood',
      'one-switch',
      'route-hijack',
      'routed-triangle',
      'syn-flood',
      'trunk-left-on',
      'vlans',
    ])
  })

  it.each(exampleNetworks)('%s: everything ends as its script says', (name) => {
    const file = exampleNetwork(name)
    expect(file.plan.about).not.toBe('')
    const run = file.run()
    expect(run.run()).toBe(true)
    const { entries, passed } = run.result()
    expect(entries.filter(({ problems }) => problems.length > 0)).toEqual([])
    expect(passed).toBe(true)
  })

  it.each(exampleNetworks)('%s: another seed shows the same', (name) => {
    const run = exampleNetwork(name).run('another seed')
    run.run()
    expect(run.result().entries.filter(({ problems }) => problems.length > 0)).toEqual([])
  })
})
