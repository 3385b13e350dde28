import { describe, expect, it } from 'vitest'
import { milliseconds, seconds } from '../../../../core/base/units.js'
import type { HostStack } from '../../../../core/net/host-stack.js'
import { ProbeClient } from '../../../../core/session/probe-client.js'
import { HttpQuestion } from '../../../../core/session/probes/http-question.js'
import { RequestProbe } from '../../../../core/session/probes/request-probe.js'
import { RespQuestion } from '../../../../core/session/probes/resp-question.js'
import type { ByteStream } from '../../../../core/base/byte-stream.js'
import { latin1Octets } from '../../../../core/base/octets.js'
import { GuestServer } from '../../../support/guest-server.js'
import { NetworkFixture, TestListener, TestOwner } from '../../../support/network-fixture.js'

/** Breaks off in the middle of its first answer. */
class FalteringServer extends TestOwner {
  private asked = 0
  override streamReadable(stream: ByteStream): void {
    super.streamReadable(stream)
    stream.write(latin1Octets(this.asked++ === 0 ? ':1' : ':7\r\n'))
    if (this.asked === 1) stream.end()
  }
}

function probed(image: 'web' | 'kv'): { server: GuestServer; probe: RequestProbe; answers: () => number[][] } {
  const server = new GuestServer(image)
  const question = image === 'web' ? new HttpQuestion() : new RespQuestion()
  const probe = new RequestProbe(server.kernel, server.host, server.address, question)
  new ProbeClient(server.kernel, 'host', probe, milliseconds(10)).start()
  const answers = (): number[][] => {
    const rows = server.kernel.trace.rows('probe')
    return [0, 1].map((lost) => rows.filter((row) => row.lost === lost).map(({ sequence }) => sequence))
  }
  return { server, probe, answers }
}

describe('RequestProbe', () => {
  it.each(['web', 'kv'] as const)('asks %s over one connection, and traces each answer when it comes', (image) => {
    const { server, probe, answers } = probed(image)
    server.run(milliseconds(995))
    expect(answers()).toEqual([Array.from({ length: 100 }, (_, i) => i), []])
    // The first answer of the web server is its page, which gives the client its cookie.
    expect([probe.lastValue, probe.connectionCount]).toEqual([image === 'web' ? 99 : 100, 1])
    for (const { sentNs, replyNs, atNs } of server.kernel.trace.rows('probe')) {
      expect(atNs).toBe(replyNs)
      expect(replyNs - sentNs).toBeLessThan(milliseconds(2))
    }
  })

  it('waits out a silence shorter than its patience, and asks nothing meanwhile', () => {
    const { server, probe, answers } = probed('web')
    server.run(milliseconds(105))
    const before = probe.lastValue! + 1 // the page, which was asked for first, says no number
    server.vm.pause('paused')
    server.run(seconds(5))
    server.vm.resume()
    server.run(seconds(6))
    const [answered, lost] = answers()
    // The one that was on its way took longer than a second, and was answered after all.
    expect(lost).toEqual([before])
    expect(probe.connectionCount).toBe(1)
    expect(probe.lastValue).toBe(answered!.length)
  })

  it('keeps trying while nobody answers', () => {
    const { server, probe, answers } = probed('kv')
    server.run(milliseconds(105))
    expect(answers()[1]).toEqual([])
    server.type('poweroff\r')
    server.run(seconds(21))
    const lost = answers()[1]!.length
    expect(lost).toBeGreaterThan(1)
    expect(probe.connectionCount).toBeGreaterThan(10)
  })

  it('forgets half an answer with the connection on which it came', () => {
    const { kernel, ...network } = new NetworkFixture()
    const [client, server] = network.hosts as [HostStack, HostStack]
    const listener = new TestListener(new FalteringServer())
    server.listen(6379, listener)
    const probe = new RequestProbe(kernel, client, server.address, new RespQuestion())
    const told: string[] = []
    probe.listener = {
      probeAnswered: (sequence) => void told.push(`answered ${sequence}`),
      probeFailed: (sequence) => void told.push(`failed ${sequence}`),
    }
    for (const sequence of [1, 2]) {
      expect(probe.isReady()).toBe(true)
      probe.ask(sequence)
      kernel.runUntil(kernel.nowNs + milliseconds(50))
    }
    expect([told, probe.lastValue, listener.accepted]).toEqual([['failed 1', 'answered 2'], 7, 2])
  })
})
