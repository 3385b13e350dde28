import { describe, expect, it } from 'vitest'
import { milliseconds, seconds } from '../../../core/base/units.js'
import { TcpConnection } from '../../../core/net/tcp/tcp-connection.js'
import type { TcpOptions } from '../../../core/net/tcp/tcp-layer.js'
import { FaultySink, type Faults } from '../../support/faulty-sink.js'
import {
  expectSameOctets,
  NetworkFixture,
  patternOctets,
  TestListener,
  TestOwner,
} from '../../support/network-fixture.js'
import { tsharkFields } from '../../support/tshark.js'

const decodeAs = ['tcp.port==49152,data']
/** What a lost segment may be called when it is sent again. */
const SENT_AGAIN = 'tcp.analysis.retransmission || tcp.analysis.fast_retransmission || tcp.analysis.out_of_order'
/** What the receiver says meanwhile. */
const DUPLICATE_ACKS = 'tcp.analysis.duplicate_ack'

/** A transfer to the second host whose data segments have trouble behind the place where the capture is made. */
class Transfer {
  readonly net: NetworkFixture
  readonly faulty: FaultySink
  readonly stream: TcpConnection
  readonly server = new TestOwner()
  readonly request = patternOctets(1_500_000)

  constructor({ tcp = {}, faults = {} }: { tcp?: TcpOptions; faults?: Faults }) {
    this.net = new NetworkFixture({ tcp })
    this.faulty = new FaultySink(this.net.host(1), this.net.kernel.random('faults'), faults)
    this.net.links[1]!.a.output = this.faulty
    this.net.host(1).listen(49152, new TestListener(this.server))
    const stream = this.net.host(0).connect(this.net.host(1).address, 49152)
    if (!(stream instanceof TcpConnection)) throw new Error('not TCP')
    this.stream = stream
    const owner = new TestOwner(this.request)
    owner.endsWhenSent = true
    stream.owner = owner
    this.server.endsWhenPeerEnds = true
  }

  run(): this {
    this.net.kernel.runUntil(seconds(30))
    expectSameOctets(this.server.receivedWhole(), this.request)
    return this
  }

  count(filter: string): number {
    return tsharkFields(this.net.tap.toPcapng(), ['frame.number'], { filter, decodeAs }).length
  }

  /** Flags of the analysis that are not among the expected, malformed packets and wrong checksums. */
  unexplained(...expected: readonly string[]): string[] {
    const fine = expected.map((filter) => `!(${filter})`).join(' && ')
    const bad = `_ws.malformed || tcp.checksum.status == "Bad" || ip.checksum.status == "Bad"`
    return tsharkFields(this.net.tap.toPcapng(), ['frame.number', '_ws.col.Info'], {
      filter: `${bad} || (tcp.analysis.flags && ${fine})`,
      decodeAs,
    }).map((fields) => `${fields['frame.number']} ${fields['_ws.col.Info']}`)
  }
}

describe('the repair of losses, as tshark sees it', () => {
  for (const [name, tcp] of Object.entries({
    'CUBIC with SACK': {},
    'NewReno with SACK': { congestionControl: 'newreno' },
    'NewReno without SACK': { congestionControl: 'newreno', hasSack: false },
  } satisfies Record<string, TcpOptions>))
    it(`sends again what was lost and nothing else (${name})`, () => {
      const transfer = new Transfer({ tcp })
      for (const frame of [60, 61, 64, 70, 400, 403, 800]) transfer.faulty.losesFrames.add(frame)
      transfer.run()
      expect(transfer.faulty.framesLost).toBe(7)
      const { segmentsRetransmitted, recovery } = transfer.stream
      // RFC 6675 sends the last segment again on suspicion, once in a recovery, when there is nothing else to send.
      expect(segmentsRetransmitted).toBe(7 + recovery.rescues)
      expect(transfer.count(SENT_AGAIN)).toBe(segmentsRetransmitted)
      expect(transfer.unexplained(SENT_AGAIN, DUPLICATE_ACKS)).toEqual([])
    })

  it('reports no retransmission where segments only changed places once', () => {
    const transfer = new Transfer({ faults: { swappedPerMille: 50 } }).run()
    expect(transfer.stream.segmentsRetransmitted).toBe(0)
    expect(transfer.unexplained(DUPLICATE_ACKS)).toEqual([])
  })

  it('reports duplicates that the network made as D-SACK, and sends nothing again for them', () => {
    const transfer = new Transfer({ faults: { duplicatedPerMille: 20 } }).run()
    expect(transfer.stream.segmentsRetransmitted).toBe(0)
    expect(transfer.count('tcp.options.sack.dsack_le')).toBeGreaterThan(5)
    expect(transfer.unexplained(DUPLICATE_ACKS)).toEqual([])
  })

  it('names the probes of a closed window and of a silent peer', () => {
    const keepAlive = { idleNs: seconds(2), intervalNs: seconds(1), probes: 3 }
    const transfer = new Transfer({ tcp: { keepAlive, receiveBufferOctets: 100_000 } })
    transfer.server.isReading = false
    transfer.net.kernel.runUntil(seconds(5))
    transfer.server.isReading = true
    transfer.server.streamReadable(transfer.server.stream!)
    transfer.net.kernel.runUntil(milliseconds(5500))
    transfer.run()
    expect(transfer.count('tcp.analysis.zero_window_probe')).toBeGreaterThan(2)
    const window = 'tcp.analysis.zero_window || tcp.analysis.zero_window_probe || tcp.analysis.zero_window_probe_ack'
    const small = 'tcp.analysis.window_full || tcp.analysis.window_update'
    const silent = 'tcp.analysis.keep_alive || tcp.analysis.keep_alive_ack'
    expect(transfer.unexplained(window, small, silent)).toEqual([])
  })
})
