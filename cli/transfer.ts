/** `transfer`: octets over one TCP connection through a switch, and what theory says about it. */
import { parseArgs } from 'node:util'
import { InputError, LabError } from '../core/base/errors.js'
import { parseBitRate, parseDuration, parseFraction, parseOctets } from '../core/base/units.js'
import { parseNetworkPlan } from '../core/session/network-plan.js'
import type { TransferDetails } from '../core/session/network-script/script-entry.js'
import { NetworkRun } from '../core/session/network-run.js'
import { congestionControls } from '../core/session/scenario.js'
import { bitRate, milliseconds } from '../core/session/network-words.js'
import { expectWritable, openOutput, writeOutputFile } from './output.js'
import { oneOf, quantity } from './quantities.js'

const options = {
  size: { type: 'string', default: '64MiB' },
  bandwidth: { type: 'string', default: '1Gbit' },
  latency: { type: 'string', default: '10ms' },
  loss: { type: 'string', default: '0%' },
  jitter: { type: 'string', default: '0ms' },
  reorder: { type: 'string', default: '0%' },
  queue: { type: 'string', default: '8MiB' },
  congestion: { type: 'string', default: 'cubic' },
  'no-sack': { type: 'boolean', default: false },
  ipv6: { type: 'boolean', default: false },
  seed: { type: 'string', default: '1' },
  json: { type: 'string' },
  pcap: { type: 'string' },
} as const
type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values']

const BUFFER_OCTETS_MIN = 2 * 1024 * 1024
const BUFFER_OCTETS_MAX = 256 * 1024 * 1024

export async function transferCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options })
  const path = pathFrom(values)
  const run = new NetworkRun(planOf(values, path), values.seed)
  const output = openOutput(values.json)
  await expectWritable(values.json === '-' ? undefined : values.json, values.pcap)
  run.run()
  const { entries, traceHash } = run.result()
  const details = entries.find((entry) => entry.do === 'transfer')?.details
  if (details?.kind !== 'transfer') throw new InputError('the transfer did not begin')
  const outcome = entries.find((entry) => entry.do === 'transfer')?.outcome ?? ''
  const predicted = predictions(details, path)
  const { throughputBps, elapsedNs, segmentsRetransmitted, srttNs, cwnd, mss } = details
  const limit = (bps: number): string => (bps >= path.bandwidthBps ? 'more than the path carries' : bitRate(bps))
  output.table(
    ['', ''],
    [
      ['outcome', details.cause === '' ? outcome : `${outcome}: ${details.cause}`],
      ['time', `${(elapsedNs / 1e9).toFixed(3)} s`],
      ['throughput', bitRate(throughputBps)],
      ['segments sent again', String(segmentsRetransmitted)],
      ['smoothed RTT', milliseconds(srttNs)],
      ['cwnd at the end', `${Math.round(cwnd / mss)} segments of ${mss} octets`],
      ...(predicted === null
        ? []
        : [
            ['Mathis formula', limit(predicted.mathisBps)],
            ['CUBIC formula', limit(predicted.cubicBps)],
          ]),
      ['trace', traceHash],
    ],
  )
  if (values.pcap !== undefined)
    await writeOutputFile(values.pcap, run.network.taps[0]?.toPcapng() ?? new Uint8Array(0))
  await output.json({ outcome, seed: values.seed, ...details, predicted, traceHash })
  return outcome === 'complete' ? 0 : 1
}

interface Path {
  readonly bandwidthBps: number
  readonly latencyNs: number
  readonly loss: number
}

function pathFrom(values: Values): Path {
  quantity('size', values.size, parseOctets)
  quantity('jitter', values.jitter, parseDuration)
  quantity('reorder', values.reorder, parseFraction)
  quantity('queue', values.queue, parseOctets)
  return {
    bandwidthBps: quantity('bandwidth', values.bandwidth, parseBitRate),
    latencyNs: quantity('latency', values.latency, parseDuration),
    loss: quantity('loss', values.loss, parseFraction),
  }
}

/** The narrow place is the cable to the receiver; data is lost there, and acknowledgments nowhere. */
function planOf(values: Values, { bandwidthBps, latencyNs }: Path) {
  const octetsUnderWay = (bandwidthBps / 8) * ((2 * latencyNs) / 1e9)
  const buffer = Math.round(Math.min(BUFFER_OCTETS_MAX, Math.max(BUFFER_OCTETS_MIN, 2 * octetsUnderWay)))
  const tcp = {
    congestionControl: oneOf('congestion', values.congestion, congestionControls),
    sack: !values['no-sack'],
    sendBuffer: buffer,
    receiveBuffer: buffer,
  }
  const host = (number: number) => ({ address: values.ipv6 ? `fd00::${number}/64` : `10.0.0.${number}/24`, tcp })
  const near = Math.floor(latencyNs / 2)
  const { size, loss, jitter, reorder: reordering, queue } = values
  try {
    return parseNetworkPlan({
      title: 'Transfer',
      hosts: { sender: host(1), receiver: host(2) },
      switches: { s1: {} },
      links: [
        { from: 'sender', to: 's1', bandwidth: `${10 * bandwidthBps}bit`, delay: `${near}ns` },
        {
          ...{ name: 'receiver', from: 's1', to: 'receiver' },
          ...{ bandwidth: `${bandwidthBps}bit`, delay: `${latencyNs - near}ns` },
          forward: { loss, jitter, reordering, queue },
        },
      ],
      taps: [{ name: 'sender', host: 'sender' }],
      script: [{ do: 'transfer', from: 'sender', to: 'receiver', size, patience: '60min' }],
    })
  } catch (error) {
    if (error instanceof LabError) throw new InputError(`that cannot be: ${error.reason}`)
    throw error
  }
}

/**
 * Of a connection that loses a share `loss` of its segments by chance. Reno: MSS/RTT · 1.22/√p (Mathis and others, 1997).
 * CUBIC, whose window does not shrink below that of Reno: 1.054 · (RTT/p)^(3/4) segments (RFC 9438 §5.1). Null without loss.
 */
export function predictions(
  { mss }: Pick<TransferDetails, 'mss'>,
  { loss, latencyNs }: Path,
): { readonly mathisBps: number; readonly cubicBps: number } | null {
  if (loss === 0 || latencyNs === 0) return null
  const rtt = (2 * latencyNs) / 1e9
  const reno = 1.22 / Math.sqrt(loss)
  const cubic = 1.054 * (rtt / loss) ** 0.75
  const rate = (segments: number): number => Math.round((segments * mss * 8) / rtt)
  return { mathisBps: rate(reno), cubicBps: rate(Math.max(reno, cubic)) }
}
