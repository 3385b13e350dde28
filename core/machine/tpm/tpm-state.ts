import { sha256 } from '@noble/hashes/sha2.js'
import { concatOctets } from '../../base/octets.js'
import type { Nanos } from '../../base/units.js'
import type { DeviceStateDescription, StatefulDevice, StateValues } from '../device-state.js'
import { StateReader } from '../state-values.js'
import { PCR_COUNT, PcrBank } from './pcr-bank.js'
import { DIGEST_OCTETS } from './tpm-codes.js'

export const TPM_SEED_OCTETS = 32

/** How the TPM was last shut down: not at all, or by TPM2_Shutdown with CLEAR or STATE. */
export type Orderliness = 'none' | 'clear' | 'state'
const ORDERLINESS: readonly Orderliness[] = ['none', 'clear', 'state']

const DESCRIPTION: DeviceStateDescription = Object.freeze({
  idstr: 'tpm',
  instanceId: 0,
  version: 1,
  vmsdName: 'tpm',
  fields: [
    { name: 'pcr_sha256', type: 'buffer', size: PCR_COUNT * DIGEST_OCTETS },
    { name: 'pcr_update_counter', type: 'uint32' },
    { name: 'random_state', type: 'buffer', size: TPM_SEED_OCTETS },
    { name: 'clock_ns', type: 'uint64' },
    { name: 'time_ns', type: 'uint64' },
    { name: 'updated_at_ns', type: 'uint64' },
    { name: 'reset_count', type: 'uint32' },
    { name: 'restart_count', type: 'uint32' },
    { name: 'started', type: 'bool' },
    { name: 'started_orderly', type: 'bool' },
    { name: 'shutdown', type: 'uint8' },
  ],
} satisfies DeviceStateDescription)

/** Everything a TPM knows: what moves with its machine. What it does with that is in tpm-commands.ts. */
export class TpmState implements StatefulDevice {
  readonly stateDescription = DESCRIPTION
  readonly pcrs = new PcrBank()
  /** TPM Resets, and restarts and resumes since the last of them (part 1, section 36). */
  resetCount = 0
  restartCount = 0
  /** TPM2_Startup was run. */
  isStarted = false
  /** The TPM was shut down in order before that. A new one was. */
  wasOrderly = true
  shutdown: Orderliness = 'clear'
  private randomState: Uint8Array
  /** Clock and Time, in nanoseconds, as they were at virtual time `updatedAtNs`. */
  private clockNs = 0n
  private timeNs = 0n
  private updatedAtNs = 0n

  /** `seed`: 32 octets, from which all its random octets follow. */
  constructor(seed: Uint8Array) {
    this.randomState = seed.slice()
  }

  /** _TPM_Init: power comes on. Clock goes on, Time begins, and nothing but TPM2_Startup is answered. */
  powerOn(): void {
    this.isStarted = false
    this.timeNs = 0n
    this.pcrs.updateCounter = 0
  }

  /** Clock and Time go on to virtual time `nowNs`, never back. */
  advanceTo(nowNs: Nanos): void {
    const now = BigInt(nowNs)
    const elapsed = now > this.updatedAtNs ? now - this.updatedAtNs : 0n
    this.clockNs = BigInt.asUintN(64, this.clockNs + elapsed)
    this.timeNs = BigInt.asUintN(64, this.timeNs + elapsed)
    this.updatedAtNs = BigInt.asUintN(64, now)
  }

  get clockMs(): bigint {
    return this.clockNs / 1_000_000n
  }
  get timeMs(): bigint {
    return this.timeNs / 1_000_000n
  }

  /** `count` octets. What was given out before cannot be computed from what is kept. */
  random(count: number): Uint8Array {
    const octets = new Uint8Array(count)
    for (let at = 0; at < count; at += DIGEST_OCTETS) {
      octets.set(sha256(concatOctets([Uint8Array.of(1), this.randomState])).subarray(0, count - at), at)
      this.randomState = sha256(concatOctets([Uint8Array.of(0), this.randomState]))
    }
    return octets
  }

  /** Stir `octets` into what random octets come from. */
  stir(octets: Uint8Array): void {
    this.randomState = sha256(concatOctets([Uint8Array.of(2), this.randomState, octets]))
  }

  saveState(): StateValues {
    return {
      pcr_sha256: this.pcrs.octets.slice(),
      pcr_update_counter: this.pcrs.updateCounter,
      random_state: this.randomState.slice(),
      clock_ns: this.clockNs,
      time_ns: this.timeNs,
      updated_at_ns: this.updatedAtNs,
      reset_count: this.resetCount,
      restart_count: this.restartCount,
      started: this.isStarted,
      started_orderly: this.wasOrderly,
      shutdown: ORDERLINESS.indexOf(this.shutdown),
    }
  }

  loadState(values: StateValues): void {
    const state = new StateReader('tpm', values)
    const pcrs = state.octets('pcr_sha256', PCR_COUNT * DIGEST_OCTETS)
    const updateCounter = state.u32('pcr_update_counter')
    const registers = {
      randomState: state.octets('random_state', TPM_SEED_OCTETS),
      clockNs: state.u64('clock_ns'),
      timeNs: state.u64('time_ns'),
      updatedAtNs: state.u64('updated_at_ns'),
      resetCount: state.u32('reset_count'),
      restartCount: state.u32('restart_count'),
      isStarted: state.bool('started'),
      wasOrderly: state.bool('started_orderly'),
      shutdown: ORDERLINESS[state.number('shutdown', ORDERLINESS.length - 1)],
    }
    this.pcrs.octets.set(pcrs)
    this.pcrs.updateCounter = updateCounter
    Object.assign(this, registers)
  }
}
