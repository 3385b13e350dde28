import { describe, expect, it } from 'vitest'
import { InputError } from '../../../core/base/errors.js'
import { seconds } from '../../../core/base/units.js'
import { HostAgent } from '../../../core/orchestrator/host-agent.js'
import { Restart } from '../../../core/orchestrator/restart.js'
import { NetworkFixture } from '../../support/network-fixture.js'

function restarted(startVm: (name: string) => void, loss = 0) {
  const net = new NetworkFixture()
  const resources = (): never => {
    throw new Error('nobody asks')
  }
  const orchestrator = net.host(0).address
  new HostAgent(net.kernel, net.host(1), { resources, startVm }, orchestrator, seconds(1))
  net.links[1]?.configure({ loss })
  const ends: string[] = []
  const order = { vm: 'web', from: 'host-01', to: { host: 'host-02', address: net.host(1).address } }
  const owner = { restartEnded: ({ outcome, reason }: Restart) => ends.push(`${outcome} ${reason}`) }
  new Restart(net.kernel, net.host(0), order, owner)
  const at = (span: number): readonly string[] => {
    net.kernel.runUntil(seconds(span))
    return ends
  }
  return { net, at }
}

describe('Restart', () => {
  it('starts a machine once', () => {
    const started: string[] = []
    expect(restarted((name) => started.push(name)).at(20)).toEqual(['started '])
    expect(started).toEqual(['web'])
  })

  it('is told why a machine is not started', () => {
    const refuse = (): void => {
      throw new InputError('host-02 is off')
    }
    expect(restarted(refuse).at(20)).toEqual(['refused host-02 is off'])
  })

  it('asks again what got lost, and knows nothing when five times did', () => {
    const started: string[] = []
    const heard = restarted((name) => started.push(name), 1)
    heard.at(2.5)
    heard.net.links[1]?.configure({ loss: 0 })
    expect(heard.at(20)).toEqual(['started '])
    const unheard = restarted(() => undefined, 1)
    expect(unheard.at(4.9)).toEqual([])
    expect(unheard.at(20)).toEqual(['unknown host-02 does not answer'])
  })
})
