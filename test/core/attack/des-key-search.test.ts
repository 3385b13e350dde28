import { describe, expect, it } from 'vitest'
import { DesKeySearch, openFoundRecord, qevmOpening } from '../../../core/attack/des-key-search.js'
import { WireError } from '../../../core/base/errors.js'
import { concatOctets, latin1Octets, latin1Text } from '../../../core/base/octets.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { HELLO_OCTETS } from '../../../core/secure/wire/records.js'
import { RecordProtocol } from '../../../core/secure/records/record-protocol.js'
import { takeMessages } from '../../support/channel-protocols.js'

const credentials = { preSharedKey: new Uint8Array(32).fill(7) }

/** All that crosses in either direction when a client sends `payload`. */
function capture(payload: Uint8Array, secretKeyBits: number, name: 'des-cbc' | '3des-cbc' = 'des-cbc') {
  const random = new Kernel('search').random('both')
  const hello = { name, secretKeyBits }
  const client = new RecordProtocol('client', hello, credentials, random)
  const server = new RecordProtocol('server', hello, credentials, random)
  client.start()
  server.start()
  const toServer = takeMessages(client)
  for (const octets of toServer) server.receive(octets)
  const toClient = takeMessages(server)
  for (const octets of toClient) client.receive(octets)
  client.send(payload)
  return { toServer: concatOctets([...toServer, ...takeMessages(client)]), toClient: concatOctets(toClient) }
}

describe('the search for a DES key', () => {
  const payload = concatOctets([qevmOpening, latin1Octets('the first page and all that follows')])

  it('finds the key from captured octets and the first block of the stream, in steps', () => {
    const { toServer, toClient } = capture(payload, 16)
    const search = new DesKeySearch(toServer, toClient)
    expect(search.keyCount).toBe(65_536)
    let steps = 0
    for (; !search.isDone; steps++) search.step(1000)
    expect(search.key).not.toBeNull()
    expect(search.keysTried).toBeGreaterThan(1000 * (steps - 1))
    expect(search.keysTried).toBeLessThanOrEqual(1000 * steps)
    const plain = openFoundRecord(search.key!, toServer.subarray(HELLO_OCTETS + 4))
    expect(latin1Text(plain.subarray(8, payload.length))).toBe('the first page and all that follows')
  })

  it('ends without a key when the stream begins with something else', () => {
    const { toServer, toClient } = capture(latin1Octets('another protocol'), 8)
    const search = new DesKeySearch(toServer, toClient)
    search.step(1e9)
    expect([search.isDone, search.keysTried, search.key]).toEqual([true, 256, null])
  })

  it('says why it cannot be done', () => {
    const whole = capture(payload, 16)
    expect(() => new DesKeySearch(whole.toServer.subarray(0, 60), whole.toClient)).toThrow(WireError)
    expect(() => new DesKeySearch(whole.toServer.subarray(10), whole.toClient)).toThrow(/does not begin/)
    const real = capture(payload, 56)
    expect(() => new DesKeySearch(real.toServer, real.toClient)).toThrow(/56 secret bits/)
    const triple = capture(payload, 112, '3des-cbc')
    expect(() => new DesKeySearch(triple.toServer, triple.toClient)).toThrow(/3des-cbc/)
  })
})
