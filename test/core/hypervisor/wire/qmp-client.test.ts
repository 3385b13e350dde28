import { expect, describe, it } from 'vitest'
import { seconds } from '../../../../core/base/units.js'
import { QmpError } from '../../../../core/hypervisor/wire/qmp.js'
import { QmpClient, type QmpAnswer, type QmpClientOwner } from '../../../../core/hypervisor/wire/qmp-client.js'
import { NetworkFixture } from '../../../support/network-fixture.js'
import { ScriptedMonitor, type MonitorAnswer } from '../../../support/scripted-monitor.js'

const PORT = 4500

class Owner implements QmpClientOwner {
  readonly told: string[] = []
  monitorReady(): void {
    this.told.push('ready')
  }
  monitorAnswered(_client: QmpClient, { command, refusal }: QmpAnswer): void {
    this.told.push(refusal === null ? command : `${command}: ${refusal}`)
  }
  monitorLost(_client: QmpClient, reason: string): void {
    this.told.push(`lost: ${reason}`)
  }
}

function connected(answers?: Readonly<Record<string, readonly MonitorAnswer[]>>) {
  const net = new NetworkFixture()
  const monitor = new ScriptedMonitor(answers)
  net.host(1).listen(PORT, monitor)
  const owner = new Owner()
  const client = new QmpClient(net.host(0).connect(net.host(1).address, PORT), owner)
  net.kernel.runUntil(seconds(1))
  const run = (): void => net.kernel.runUntil(net.kernel.nowNs + seconds(1))
  return { net, monitor, owner, client, run }
}

describe('QmpClient', () => {
  it('negotiates, asks and passes answers on; events are none', () => {
    const { client, owner, monitor, run } = connected({ stop: [new QmpError('not now')] })
    expect(owner.told).toEqual(['ready'])
    client.execute('cont')
    expect(client.isWaiting).toBe(true)
    monitor.say('{"event": "RESUME"}\r\n')
    run()
    expect(client.isWaiting).toBe(false)
    client.execute('stop', { now: true })
    run()
    expect(owner.told).toEqual(['ready', 'cont', 'stop: not now'])
    expect(monitor.asked).toEqual(['cont', 'stop {"now":true}'])
  })

  it('is lost once: when nobody listens, when negotiation is refused, when the other end goes, when it is no QMP', () => {
    const net = new NetworkFixture()
    const nobody = new Owner()
    new QmpClient(net.host(0).connect(net.host(1).address, PORT), nobody)
    net.kernel.runUntil(seconds(1))
    expect(nobody.told).toEqual([expect.stringMatching(/^lost: .*refused/)])
    expect(connected({ qmp_capabilities: [new QmpError('no')] }).owner.told).toEqual(['lost: no'])
    const ended = connected({ quit: ['close'] })
    ended.client.execute('quit')
    ended.run()
    expect(ended.owner.told).toEqual(['ready', 'lost: the monitor closed the connection'])
    const garbled = connected()
    garbled.monitor.say('}\r\n}\r\n')
    garbled.run()
    expect(garbled.owner.told).toEqual(['ready', expect.stringMatching(/^lost: what it says is not QMP/)])
  })

  it('says nothing any more once it is closed', () => {
    const { client, owner, monitor, run } = connected()
    client.execute('cont')
    client.close()
    run()
    client.execute('stop')
    run()
    expect(owner.told).toEqual(['ready'])
    expect(monitor.asked).toEqual(['cont'])
  })
})
