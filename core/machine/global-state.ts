/** QEMU's section `globalstate` (migration/global_state.c): whether the guest ran before it was stopped to be moved. */
import { latin1Octets, latin1Text } from '../base/octets.js'
import type { DeviceStateDescription, StatefulDevice, StateValues } from './device-state.js'
import { StateReader } from './state-values.js'

const RUN_STATE_OCTETS = 100
/** Run states in which a machine of QEMU's can be saved and go on later (qapi/run-state.json). */
const runStates = ['running', 'paused', 'prelaunch'] as const
export type SavedRunState = (typeof runStates)[number]

const DESCRIPTION: DeviceStateDescription = Object.freeze({
  idstr: 'globalstate',
  instanceId: 0,
  version: 1,
  vmsdName: 'globalstate',
  fields: [
    { name: 'size', type: 'uint32' },
    { name: 'runstate', type: 'buffer', size: RUN_STATE_OCTETS },
  ],
} satisfies DeviceStateDescription)

export class GlobalState implements StatefulDevice {
  readonly stateDescription = DESCRIPTION
  /** Set by whoever stops the machine. */
  runState: SavedRunState = 'running'

  saveState(): StateValues {
    const runstate = new Uint8Array(RUN_STATE_OCTETS)
    runstate.set(latin1Octets(this.runState))
    return { size: this.runState.length + 1, runstate }
  }

  loadState(values: StateValues): void {
    const state = new StateReader('globalstate', values)
    const octets = state.octets('runstate', RUN_STATE_OCTETS)
    const end = octets.indexOf(0)
    const text = latin1Text(octets.subarray(0, end < 0 ? octets.length : end))
    const runState = runStates.find((known) => known === text)
    if (runState === undefined) return state.refuse('runstate', `${JSON.stringify(text)}: not one to go on from`)
    if (state.u32('size') !== runState.length + 1) state.refuse('size', 'not that of the run state')
    this.runState = runState
  }
}
