import { describe, expect, it } from 'vitest'
import { latin1Octets, latin1Text } from '../../../core/base/octets.js'
import { milliseconds } from '../../../core/base/units.js'
import { RecordingStream } from '../../../core/session/recording-stream.js'
import { NetworkFixture, TestListener, TestOwner } from '../../support/network-fixture.js'

describe('RecordingStream', () => {
  it('passes everything on, and keeps what was written as it was then', () => {
    const net = new NetworkFixture()
    const server = new TestOwner(latin1Octets('answer'))
    net.host(1).listen(7, new TestListener(server))
    const stream = new RecordingStream(net.host(0).connect(net.host(1).address, 7))
    const client = new TestOwner()
    stream.owner = client
    net.kernel.runUntil(milliseconds(5))
    expect(stream.state).toBe('open')
    for (const text of ['one ', 'two']) stream.write(latin1Octets(text))
    stream.end()
    net.kernel.runUntil(milliseconds(500))
    expect(latin1Text(server.receivedWhole())).toBe('one two')
    expect(latin1Text(client.receivedWhole())).toBe('answer')
    expect(latin1Text(stream.recorded())).toBe('one two')
  })
})
