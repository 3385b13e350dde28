import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkArguments } from '../../../electron/main/channel-arguments.js'
import type { Channel } from '../../../electron/ipc/contract.js'

const octets = new Uint8Array([1, 2, 3])
const file = { kind: 'html', suggestedName: 'report.html', octets }
const session = { id: 'lab-01', title: 'The first crossing', octets }

describe('checkArguments', () => {
  it('passes what the contract names and drops the rest', () => {
    expect(checkArguments['file:save']([{ ...file, extra: 1 }, 'more'])).toEqual([file])
    expect(checkArguments['session:save']([session])).toEqual([session])
    expect(checkArguments['theme:set'](['projector'])).toEqual(['projector'])
    expect(checkArguments['app:about'](['ignored'])).toEqual([])
    expect(checkArguments['wireshark:write']([octets])).toEqual([octets])
  })

  const refused: [Channel, unknown][] = [
    ['file:save', undefined],
    ['file:save', { ...file, kind: 'exe' }],
    ['file:save', { ...file, suggestedName: '' }],
    ['file:save', { ...file, octets: 'text' }],
    ['file:save', { ...file, octets: [1, 2, 3] }],
    ['session:save', { ...session, id: '../../etc/passwd' }],
    ['session:save', { ...session, id: 'A' }],
    ['session:save', { ...session, title: 7 }],
    ['session:load', ''],
    ['session:load', 'a/b'],
    ['session:remove', '..'],
    ['session:remove', 'x'.repeat(65)],
    ['theme:set', 'constructor'],
    ['wireshark:write', 'text'],
    ['wireshark:write', new Uint8Array(16 * 1024 * 1024 + 1)],
    ['capture:open-recent', null],
    ['capture:open-recent', 'x'.repeat(5000)],
  ]
  it.each(refused)('%s refuses what is not its own (%#)', (channel, value) => {
    expect(() => checkArguments[channel]([value])).toThrow(TypeError)
  })

  it('gives a value or a TypeError for anything at all', () => {
    const channels = Object.keys(checkArguments) as Channel[]
    fc.assert(
      fc.property(
        fc.constantFrom(...channels),
        fc.array(fc.anything({ withTypedArray: true }), { maxLength: 3 }),
        (channel, args) => {
          try {
            expect(Array.isArray(checkArguments[channel](args))).toBe(true)
          } catch (error) {
            expect(error).toBeInstanceOf(TypeError)
            expect((error as Error).message).toMatch(/^Refused: /)
          }
        },
      ),
    )
  })
})
