import { describe, expect, it } from 'vitest'
import { seconds } from '../../../core/base/units.js'
import { CommandGuard } from '../../../core/defence/command-guard.js'
import { Fence, type FenceOutcome } from '../../../core/orchestrator/fence.js'
import { ManagementController } from '../../../core/orchestrator/management-controller.js'
import { NetworkFixture } from '../../support/network-fixture.js'
import { ScriptedMonitor } from '../../support/scripted-monitor.js'

const monitorPort = 4500
const guard = new CommandGuard({
  scheme: 'none',
  key: new Uint8Array(0),
  clock: { nowNs: 0 },
  random: { u32: () => 0 },
})

/** A host with a monitor or none, and its controller, of which one cable or both are cut. */
function fenced({ hasMonitor, cut }: { hasMonitor: boolean; cut: readonly number[] }) {
  const net = new NetworkFixture({ hostCount: 3 })
  const power = {
    isOn: true,
    powerUp: () => undefined,
    powerDown: () => void (power.isOn = false),
    commandRefused: () => undefined,
  }
  if (hasMonitor) net.host(1).listen(monitorPort, new ScriptedMonitor())
  new ManagementController(net.host(2), power, guard)
  for (const index of cut) net.links[index]?.configure({ loss: 1 })
  const outcomes: FenceOutcome[] = []
  const target = { host: 'host-02', address: net.host(1).address, controller: net.host(2).address, monitorPort }
  new Fence(net.kernel, net.host(0), target, guard, { fenceEnded: (_, outcome) => outcomes.push(outcome) })
  const at = (span: number) => {
    net.kernel.runUntil(seconds(span))
    return [power.isOn, ...outcomes]
  }
  return { at }
}

describe('Fence', () => {
  it('leaves a host alone whose monitor answers', () => {
    expect(fenced({ hasMonitor: true, cut: [] }).at(20)).toEqual([true, 'alive'])
  })

  it('switches a host off at once that has no monitor any more', () => {
    expect(fenced({ hasMonitor: false, cut: [] }).at(1)).toEqual([false, 'dead'])
  })

  it('switches a host off that says nothing for two seconds', () => {
    const { at } = fenced({ hasMonitor: true, cut: [1] })
    expect(at(1.9)).toEqual([true])
    expect(at(3)).toEqual([false, 'dead'])
    expect(at(20)).toEqual([false, 'dead'])
  })

  it('says that nothing is certain when the controller does not answer either', () => {
    const { at } = fenced({ hasMonitor: true, cut: [1, 2] })
    expect(at(4.9)).toEqual([true])
    expect(at(20)).toEqual([true, 'unreachable'])
  })
})
