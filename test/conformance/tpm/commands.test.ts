import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { hexOf, octetsOfHex, readU32be } from '../../../core/base/octets.js'
import { executeCommand } from '../../../core/machine/tpm/execute-command.js'
import { CC } from '../../../core/machine/tpm/tpm-codes.js'
import { TPM_COMMANDS } from '../../../core/machine/tpm/tpm-commands.js'
import { TpmState } from '../../../core/machine/tpm/tpm-state.js'
import { requireSwtpm, Swtpm } from '../../support/swtpm.js'
import { PASSWORD_AREA, pcrCommand, responseBody, responseCode, tpmCommand } from '../../support/tpm-octets.js'

const DIGEST = `00000001 000b ${'11'.repeat(32)}`
const SESSION = '40000009 0000 01 0000'
const startup = (type: string): Uint8Array => tpmCommand(CC.startup, type)
const read = (selection: string): Uint8Array => tpmCommand(CC.pcrRead, `00000001 000b 03 ${selection}`)
const capability = (words: string): Uint8Array => tpmCommand(CC.getCapability, words)
const extendWith = (area: string): Uint8Array => pcrCommand(CC.pcrExtend, 0, DIGEST, area)
const extend = (digests: string): Uint8Array => pcrCommand(CC.pcrExtend, 0, digests)

/** Sent in this order to both. */
const DIALOGUE: readonly (readonly [string, Uint8Array])[] = [
  ['a command before TPM2_Startup', tpmCommand(CC.getRandom, '0008')],
  ['an unknown command before it', tpmCommand(0x9999)],
  ['resume of what was never shut down', startup('0001')],
  ['an unknown startup type', startup('0002')],
  ['startup, cut off', startup('00')],
  ['startup, too long', startup('000000')],
  ['startup with sessions', tpmCommand(CC.startup, `${PASSWORD_AREA} 0000`, '8002')],
  ['startup', startup('0000')],
  ['startup twice', startup('0000')],

  ['an unknown command', tpmCommand(0x20)],
  ["a vendor's command", tpmCommand(0x2000_0001)],
  ['a size larger than what was sent', octetsOfHex('80010000000b0000017c')],
  ['a size smaller than what was sent', octetsOfHex('8001000000090000017c')],

  ['self test', tpmCommand(CC.selfTest, '01')],
  ['self test of what is left', tpmCommand(CC.selfTest, '00')],
  ['self test, neither yes nor no', tpmCommand(CC.selfTest, '02')],
  ['self test, cut off', tpmCommand(CC.selfTest)],
  ['self test, too long', tpmCommand(CC.selfTest, '0101')],
  ['incremental self test of nothing', tpmCommand(CC.incrementalSelfTest, '00000000')],
  ['incremental self test of SHA-256', tpmCommand(CC.incrementalSelfTest, '00000001 000b')],
  ['incremental self test of too many', tpmCommand(CC.incrementalSelfTest, '00000100')],
  ['test result', tpmCommand(CC.getTestResult)],
  ['test result, too long', tpmCommand(CC.getTestResult, '00')],

  ['registers after startup, 0 to 7', read('ff0000')],
  ['registers after startup, 16 to 23', read('0000ff')],
  ['the first eight of all', read('ffffff')],
  ['no register', read('000000')],
  ['no bank', tpmCommand(CC.pcrRead, '00000000')],
  ['a selection too long', tpmCommand(CC.pcrRead, '00000001 000b 04 01000000')],
  ['a selection too short', tpmCommand(CC.pcrRead, '00000001 000b 02 0100')],
  ['a bank of no hash', tpmCommand(CC.pcrRead, '00000001 0099 03 010000')],
  ['a bank of a hash nobody has', tpmCommand(CC.pcrRead, '00000001 0027 03 010000')],
  ['too many banks', tpmCommand(CC.pcrRead, '00000100')],
  ['a read, cut off', tpmCommand(CC.pcrRead, '00000001 000b 03 0100')],
  ['a read, too long', tpmCommand(CC.pcrRead, '00000001 000b 03 010000 00')],

  ['extend', extend(DIGEST)],
  ['extend again', extend(DIGEST)],
  ['extend with nothing', extend('00000000')],
  ['extend register 23', pcrCommand(CC.pcrExtend, 23, DIGEST)],
  ['what was extended', read('010080')],
  ['extend no register', pcrCommand(CC.pcrExtend, 0x4000_0007, DIGEST)],
  ['extend register 24', pcrCommand(CC.pcrExtend, 24, DIGEST)],
  ['extend from the wrong locality', pcrCommand(CC.pcrExtend, 17, DIGEST)],
  ['extend without sessions', tpmCommand(CC.pcrExtend, `00000000${DIGEST}`)],
  ['extend without a whole handle', tpmCommand(CC.pcrExtend, '0000', '8002')],
  ['extend without an area', tpmCommand(CC.pcrExtend, '00000000 0000', '8002')],
  ['extend with an unknown hash', extend(`00000001 0099 ${'11'.repeat(32)}`)],
  ['extend with a digest cut off', extend(`00000001 000b ${'11'.repeat(31)}`)],
  ['extend with a digest too long', extend(`00000001 000b ${'11'.repeat(33)}`)],
  ['extend with too many digests', extend('00000011')],

  ['a wrong password', extendWith('0000000a 40000009 0000 01 0001 41')],
  ['a password of zeros', extendWith('0000000b 40000009 0000 01 0002 0000')],
  ['a session that does not go on', extendWith('00000009 40000009 0000 00 0000')],
  ['an audit session', extendWith('00000009 40000009 0000 81 0000')],
  ['an encrypting session', extendWith('00000009 40000009 0000 41 0000')],
  ['reserved attributes', extendWith('00000009 40000009 0000 09 0000')],
  ['reserved attributes and others', extendWith('00000009 40000009 0000 90 0000')],
  ['a nonce', extendWith('0000000a 40000009 0001 aa 01 0000')],
  ['a nonce and attributes', extendWith('0000000a 40000009 0001 aa 81 0000')],
  ['a nonce too long', extendWith('00000009 40000009 0100 01 0000')],
  ['an HMAC session never started', extendWith('00000009 02000000 0000 01 0000')],
  ['a policy session never started', extendWith('00000009 0300003f 0000 01 0000')],
  ['an HMAC session that cannot be', extendWith('00000009 02000040 0000 01 0000')],
  ['an HMAC session with a nonce', extendWith('0000000a 02000000 0001 aa 81 0000')],
  ['a handle that is no session', extendWith('00000009 40000001 0000 01 0000')],
  ['an area too small', extendWith('00000008 40000009 0000 01 0000')],
  ['an area larger than the command', extendWith('00000fff 40000009 0000 01 0000')],
  ['an area an octet too large', extendWith('0000000a 40000009 0000 01 0000')],
  ['two sessions', extendWith(`00000012 ${SESSION} ${SESSION}`)],
  ['two sessions, the first wrong', extendWith(`00000013 40000009 0000 01 0001 41 ${SESSION}`)],
  ['two sessions, the second unknown', extendWith(`00000012 ${SESSION} 02000000 0000 01 0000`)],
  ['four sessions', extendWith(`00000024 ${SESSION.repeat(4)}`)],
  ...[...TPM_COMMANDS.entries()]
    .filter(([code, { handles }]) => handles.length === 0 && code !== CC.startup)
    .map(([code]): [string, Uint8Array] => [
      `a session that command 0x${code.toString(16)} has no use for`,
      tpmCommand(code, `${PASSWORD_AREA} 0000`, '8002'),
    ]),
  ['what none of that changed', read('010000')],

  ['reset of a register that boot measures into', pcrCommand(CC.pcrReset, 0, '')],
  ['reset of the debug register', pcrCommand(CC.pcrReset, 16, '')],
  ['reset of a register of a dynamic launch', pcrCommand(CC.pcrReset, 17, '')],
  ['reset of 23', pcrCommand(CC.pcrReset, 23, '')],
  ['reset of no register', pcrCommand(CC.pcrReset, 0x4000_0007, '')],
  ['reset, too long', pcrCommand(CC.pcrReset, 16, '00')],
  ['what was reset', read('000081')],
  ['an event too long', pcrCommand(CC.pcrEvent, 1, `0401${'00'.repeat(0x401)}`)],
  ['an event from the wrong locality', pcrCommand(CC.pcrEvent, 17, '0003 616263')],

  ['no random octets', tpmCommand(CC.getRandom, '0000')],
  ['random octets, cut off', tpmCommand(CC.getRandom, '00')],
  ['stirring', tpmCommand(CC.stirRandom, '0003 010203')],
  ['stirring too much', tpmCommand(CC.stirRandom, `0081${'00'.repeat(0x81)}`)],
  ['the clock, too long', tpmCommand(CC.readClock, '00')],

  ['what SHA-256 is', capability('00000000 0000000b 00000001')],
  ['registers', capability('00000001 00000000 00000100')],
  ['the first three registers', capability('00000001 00000000 00000003')],
  ['the last registers', capability('00000001 00000014 00000008')],
  ['no NV indices', capability('00000001 01ffffff 00000001')],
  ['no sessions', capability('00000001 02000000 00000008')],
  ['no objects', capability('00000001 80000000 00000008')],
  ['handles of no type', capability('00000001 55000000 00000008')],
  ...[...TPM_COMMANDS.keys()].map((code): [string, Uint8Array] => [
    `the attributes of command 0x${code.toString(16)}`,
    capability(`00000002 ${code.toString(16).padStart(8, '0')} 00000001`),
  ]),
  ['family, level and revision', capability('00000006 00000100 00000003')],
  ['properties from before the first', capability('00000006 00000000 00000003')],
  ['no property', capability('00000006 00000100 00000000')],
  ['how many registers', capability('00000006 00000112 00000002')],
  ['properties of no group', capability('00000006 00000300 00000008')],
  ['a bank with a number', capability('00000005 00000001 00000001')],
  ['which localities may do what', capability('00000007 00000000 0000000b')],
  ['which registers do not count, which are dynamic', capability('00000007 00000011 00000002')],
  ['properties of registers there are none of', capability('00000007 00000015 00000002')],
  ['an unknown capability', capability('00000055 00000000 00000001')],
  ['a capability, cut off', capability('00000006')],
  ['a capability, too long', capability('00000006 00000100 00000001 00')],

  ['shutdown', tpmCommand(CC.shutdown, '0001')],
  ['shutdown of no type', tpmCommand(CC.shutdown, '0003')],
  ['registers after shutdown', read('010000')],
]

/** moreData tells of what swtpm has beyond what we have, so it is left out where the lists are not the same length. */
const hasMoreThanWe = (name: string): boolean =>
  name.startsWith('what SHA-256') || name.startsWith('the attributes of') || name.startsWith('which ')

let swtpm: Swtpm
let ours: TpmState
beforeAll(requireSwtpm)
beforeEach(async () => {
  swtpm = await Swtpm.start()
  ours = new TpmState(new Uint8Array(32))
  return () => swtpm.stop()
})

describe('the TPM and swtpm', () => {
  test('answer the same commands with the same octets', async () => {
    for (const [name, command] of DIALOGUE) {
      const [answer, theirs] = [executeCommand(ours, command, 0, 0), await swtpm.execute(command)]
      if (hasMoreThanWe(name)) for (const response of [answer, theirs]) response[10] = 0
      expect({ name, answer: hexOf(answer) }).toEqual({ name, answer: hexOf(theirs) })
    }
  })

  test('both have a SHA-256 bank of 24 registers', async () => {
    const command = capability('00000005 00000000 00000001')
    for (const execute of [
      (octets: Uint8Array) => executeCommand(ours, octets, 0, 0),
      (octets: Uint8Array) => swtpm.execute(octets),
    ]) {
      await execute(startup('0000'))
      expect(responseBody(await execute(command))).toContain('000b03ffffff')
    }
  })

  test('extend with the same digest of the same event', async () => {
    const event = pcrCommand(CC.pcrEvent, 1, '0003 616263')
    const digests: string[] = []
    for (const execute of [
      (octets: Uint8Array) => executeCommand(ours, octets, 0, 0),
      (octets: Uint8Array) => swtpm.execute(octets),
    ]) {
      await execute(startup('0000'))
      expect(responseCode(await execute(event))).toBe(0)
      // Without the update counter, which counts banks.
      digests.push(responseBody(await execute(read('020000'))).slice(8))
    }
    expect(digests[0]).toBe(digests[1])
  })

  test('shape what is not determined alike: random octets and the clock', async () => {
    await swtpm.execute(startup('0000'))
    executeCommand(ours, startup('0000'), 0, 0)
    for (const command of [tpmCommand(CC.getRandom, '0020'), tpmCommand(CC.readClock)]) {
      const [answer, theirs] = [executeCommand(ours, command, 0, 5e6), await swtpm.execute(command)]
      expect(hexOf(answer.subarray(0, 10))).toBe(hexOf(theirs.subarray(0, 10)))
    }
    const [answer, theirs] = [
      executeCommand(ours, tpmCommand(CC.readClock), 0, 5e6),
      await swtpm.execute(tpmCommand(CC.readClock)),
    ]
    // resetCount, restartCount, safe
    expect(hexOf(answer.subarray(26))).toBe(hexOf(theirs.subarray(26)))
    expect(readU32be(answer, 14)).toBe(5)
  })
})
