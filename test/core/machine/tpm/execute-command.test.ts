import { sha256 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { WireError } from '../../../../core/base/errors.js'
import { concatOctets, hexOf, octetsOfHex, readU16be, readU32be } from '../../../../core/base/octets.js'
import { executeCommand } from '../../../../core/machine/tpm/execute-command.js'
import { CC, RC, RC_PARAMETER } from '../../../../core/machine/tpm/tpm-codes.js'
import { TPM_COMMANDS } from '../../../../core/machine/tpm/tpm-commands.js'
import { TpmState } from '../../../../core/machine/tpm/tpm-state.js'
import { pcrCommand, responseBody, responseCode, tpmCommand } from '../../../support/tpm-octets.js'

const DIGEST = '11'.repeat(32)
const EXTENSION = `00000001 000b ${DIGEST}`
const STARTUP = tpmCommand(CC.startup, '0000')

function startedTpm(seed = new Uint8Array(32)): TpmState {
  const tpm = new TpmState(seed)
  expect(responseCode(executeCommand(tpm, STARTUP, 0, 0))).toBe(RC.success)
  return tpm
}
const run = (tpm: TpmState, command: Uint8Array, locality = 0, nowNs = 0): number =>
  responseCode(executeCommand(tpm, command, locality, nowNs))
const pcr = (tpm: TpmState, index: number): string => hexOf(tpm.pcrs.read(index))

describe('commands (part 3, section 5)', () => {
  test.each([
    ['nothing', '', RC.insufficient],
    ['half a tag', '80', RC.insufficient],
    ['a tag', '8001', RC.insufficient],
    ['a header cut off', '800100000009000001', RC.insufficient],
    ['a wrong size', '80010000000b00000144', RC.commandSize],
    ['an unknown tag', '80030000000c000001440000', RC.badTag],
    ['an unknown tag and a wrong size', '800300000000', RC.badTag],
    ['an unknown command', '80010000000a00000fff', RC.commandCode],
  ])('%s is answered with a header and what is wrong', (_, hex, code) => {
    const response = executeCommand(new TpmState(new Uint8Array(32)), octetsOfHex(hex), 0, 0)
    expect([response.length, readU32be(response, 2), readU32be(response, 6)]).toEqual([10, 10, code])
    expect(readU16be(response, 0)).toBe(code === RC.badTag ? 0x00c4 : 0x8001)
  })

  test('the table is in the order of the codes, as TPM_CAP_COMMANDS lists them', () => {
    const codes = [...TPM_COMMANDS.keys()]
    expect(codes).toEqual(codes.toSorted((a, b) => a - b))
    expect(codes).toEqual(Object.values(CC).toSorted((a, b) => a - b))
  })

  test('any octets are answered with a response of the length it says, and change what they may only', () => {
    const tpm = startedTpm()
    const body = fc.uint8Array({ maxLength: 80 })
    const commands = fc.oneof(
      body,
      fc
        .tuple(fc.constantFrom(...Object.values(CC)), fc.constantFrom('8001', '8002'), body)
        .map(([code, tag, octets]) => tpmCommand(code, hexOf(octets), tag)),
      // What is right, with one octet changed.
      fc
        .tuple(
          fc.constantFrom(
            pcrCommand(CC.pcrExtend, 3, EXTENSION),
            pcrCommand(CC.pcrEvent, 3, '0003 616263'),
            tpmCommand(CC.pcrRead, '00000001 000b 03 ffffff'),
            tpmCommand(CC.getCapability, '00000006 00000100 00000040'),
          ),
          fc.nat(80),
          fc.nat(255),
        )
        .map(([command, at, octet]) => command.with(Math.min(at, command.length - 1), octet)),
    )
    fc.assert(
      fc.property(commands, fc.nat(4), (command, locality) => {
        const before = tpm.saveState()
        const response = executeCommand(tpm, command, locality, 0)
        expect(readU32be(response, 2)).toBe(response.length)
        expect([0x00c4, 0x8001, 0x8002]).toContain(readU16be(response, 0))
        if (responseCode(response) !== RC.success) expect(tpm.saveState()).toEqual(before)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('startup and shutdown (part 3, section 9; part 1, section 11)', () => {
  /** resetCount, restartCount, and the orderly bit of TPM_PT_STARTUP_CLEAR. */
  const counts = (tpm: TpmState): [number, number, string] => {
    const property = executeCommand(tpm, tpmCommand(CC.getCapability, '00000006 00000201 00000001'), 0, 0)
    return [tpm.resetCount, tpm.restartCount, responseBody(property).slice(-8)]
  }
  const cycle = (tpm: TpmState, shutdown: string | null, startup: string): number => {
    if (shutdown !== null) run(tpm, tpmCommand(CC.shutdown, shutdown))
    tpm.powerOn()
    return run(tpm, tpmCommand(CC.startup, startup))
  }

  test('a reset, a restart and a resume, and what each keeps', () => {
    const tpm = startedTpm()
    expect(counts(tpm)).toEqual([1, 0, '80000000'])
    for (const index of [0, 16, 23]) run(tpm, pcrCommand(CC.pcrExtend, index, EXTENSION))
    const measured = pcr(tpm, 0)

    expect(cycle(tpm, '0001', '0001')).toBe(RC.success) // resume
    expect([counts(tpm), pcr(tpm, 0)]).toEqual([[1, 1, '80000000'], measured])
    expect([pcr(tpm, 16), pcr(tpm, 17), pcr(tpm, 23)]).toEqual(['00'.repeat(32), 'ff'.repeat(32), '00'.repeat(32)])

    expect(cycle(tpm, '0001', '0000')).toBe(RC.success) // restart
    expect([counts(tpm), pcr(tpm, 0)]).toEqual([[1, 2, '80000000'], '00'.repeat(32)])
    expect(cycle(tpm, '0000', '0000')).toBe(RC.success) // reset, in order
    expect(counts(tpm)).toEqual([2, 0, '80000000'])
    expect(cycle(tpm, null, '0000')).toBe(RC.success) // reset, without shutdown
    expect(counts(tpm)).toEqual([3, 0, '00000000'])
    expect(cycle(tpm, '0000', '0001')).toBe(RC.value + RC_PARAMETER(1)) // nothing to resume
  })

  test('a measurement after shutdown takes the order back; one of a register that is not kept does not', () => {
    const tpm = startedTpm()
    run(tpm, tpmCommand(CC.shutdown, '0001'))
    run(tpm, pcrCommand(CC.pcrExtend, 23, EXTENSION))
    expect(tpm.shutdown).toBe('state')
    run(tpm, pcrCommand(CC.pcrExtend, 5, EXTENSION))
    expect(cycle(tpm, null, '0001')).toBe(RC.value + RC_PARAMETER(1))
  })
})

describe('registers (part 1, section 17; platform profile, section 4.6)', () => {
  test('extend is SHA-256 of the old value and the digest', () => {
    const tpm = startedTpm()
    run(tpm, pcrCommand(CC.pcrExtend, 7, EXTENSION))
    const first = sha256(concatOctets([new Uint8Array(32), octetsOfHex(DIGEST)]))
    expect(pcr(tpm, 7)).toBe(hexOf(first))
    run(tpm, pcrCommand(CC.pcrEvent, 7, '0003 616263'))
    expect(pcr(tpm, 7)).toBe(hexOf(sha256(concatOctets([first, sha256(octetsOfHex('616263'))]))))
  })

  /** Localities from which each kind of register can be extended and reset. */
  test.each([
    [0, [0, 1, 2, 3, 4], []],
    [15, [0, 1, 2, 3, 4], []],
    [16, [0, 1, 2, 3, 4], [0, 1, 2, 3]],
    [17, [2, 3, 4], [4]],
    [18, [2, 3, 4], [4]],
    [19, [2, 3], [4]],
    [20, [1, 2, 3], [2, 4]],
    [21, [2], [2, 4]],
    [22, [2], [2, 4]],
    [23, [0, 1, 2, 3, 4], [0, 1, 2, 3]],
  ])('register %i can be extended from localities %j and reset from %j', (index, extendFrom, resetFrom) => {
    const tpm = startedTpm()
    const allowed = (command: Uint8Array): number[] =>
      [0, 1, 2, 3, 4].filter((locality) => {
        const code = run(tpm, command, locality)
        expect([RC.success, RC.locality]).toContain(code)
        return code === RC.success
      })
    expect(allowed(pcrCommand(CC.pcrExtend, index, EXTENSION))).toEqual(extendFrom)
    expect(allowed(pcrCommand(CC.pcrReset, index, ''))).toEqual(resetFrom)
  })
})

describe('random octets and the clock', () => {
  const random = (tpm: TpmState, count: string): string =>
    responseBody(executeCommand(tpm, tpmCommand(CC.getRandom, count), 0, 0))

  test('follow from the seed alone, never repeat, and are at most a digest long', () => {
    const [a, b] = [startedTpm(), startedTpm()]
    const first = random(a, '0020')
    expect(first).toHaveLength(4 + 64)
    expect(random(b, '0020')).toBe(first)
    expect(random(a, '0020')).not.toBe(first)
    expect(random(a, 'ffff').slice(0, 4)).toBe('0020')
    expect(random(a, '0003')).toMatch(/^0003.{6}$/)
    expect(random(startedTpm(new Uint8Array(32).fill(1)), '0020')).not.toBe(first)
  })

  test('change when stirred', () => {
    const [a, b] = [startedTpm(), startedTpm()]
    run(b, tpmCommand(CC.stirRandom, '0001 00'))
    expect(random(a, '0020')).not.toBe(random(b, '0020'))
  })

  test('time and clock go on in milliseconds, never back; time begins again with power', () => {
    const tpm = startedTpm()
    const read = (nowNs: number): [number, number] => {
      const response = executeCommand(tpm, tpmCommand(CC.readClock), 0, nowNs)
      return [readU32be(response, 14), readU32be(response, 22)]
    }
    expect([read(1_999_999), read(2_000_000), read(500_000)]).toEqual([
      [1, 1],
      [2, 2],
      [2, 2],
    ])
    tpm.powerOn()
    run(tpm, STARTUP, 0, 500_000)
    expect(read(1_500_000)).toEqual([1, 3])
  })
})

describe('the state', () => {
  test('goes into another TPM, which answers what the first would have', () => {
    const tpm = startedTpm()
    run(tpm, pcrCommand(CC.pcrExtend, 3, EXTENSION), 0, 7e6)
    run(tpm, tpmCommand(CC.shutdown, '0001'))
    const other = new TpmState(new Uint8Array(32).fill(9))
    other.loadState(tpm.saveState())
    expect(other.saveState()).toEqual(tpm.saveState())
    for (const command of [
      tpmCommand(CC.getRandom, '0010'),
      tpmCommand(CC.pcrRead, '00000001 000b 03 0f0000'),
      tpmCommand(CC.readClock),
    ])
      expect(executeCommand(other, command, 0, 9e6)).toEqual(executeCommand(tpm, command, 0, 9e6))
    expect(other.shutdown).toBe('state')
  })

  test.each([
    { pcr_sha256: new Uint8Array(32) },
    { random_state: 0 },
    { clock_ns: -1n },
    { shutdown: 3 },
    { started: 1 },
  ])('is refused with %o', (damage) => {
    const tpm = startedTpm()
    expect(() => tpm.loadState({ ...tpm.saveState(), ...damage })).toThrow(WireError)
  })
})
