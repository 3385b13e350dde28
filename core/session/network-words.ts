/** What happened in a network, as a person would like to read it. */
import { printable } from '../capture/value-text.js'
import type { PacketErrorKind } from '../net/packet-error.js'
import type { ScriptItem } from './network-plan/script-plan.js'
import type { PingDetails, ScriptEntry, TracerouteDetails, TransferDetails } from './network-script/script-entry.js'
import { textTable } from '../base/text-table.js'

const INDENT = '             '
const ICMP_HEADER_OCTETS = 8

export const milliseconds = (ns: number): string => `${(ns / 1e6).toFixed(3)} ms`

/** A rate of bits with three digits that count. */
export function bitRate(bps: number): string {
  const [scale, unit] = bps >= 1e9 ? [1e9, 'Gbit/s'] : bps >= 1e6 ? [1e6, 'Mbit/s'] : [1e3, 'kbit/s']
  return `${Number((bps / scale).toPrecision(3))} ${unit}`
}

/** One item of a script: when and how it ended, then what came of it. */
export function entryLines(entry: ScriptEntry, item: ScriptItem): string[] {
  const { startNs, outcome, problems, note } = entry
  const time = `${(startNs / 1e9).toFixed(3).padStart(9)} s`
  const verdict = problems.length === 0 ? 'ok    ' : 'NOT OK'
  return [
    ...(note === '' ? [] : ['', `# ${printable(note)}`]),
    `${time}  ${verdict}  ${titleOf(item)}: ${outcome}${problems.length === 0 ? '' : ` (${problems.join('; ')})`}`,
    ...detailLines(entry).map((line) => `${INDENT}${line}`.trimEnd()),
  ]
}

export function titleOf(item: ScriptItem): string {
  switch (item.do) {
    case 'ping':
    case 'traceroute':
    case 'transfer':
    case 'send':
    case 'flood-syn':
      return `${item.do} ${item.from} → ${item.to}`
    case 'announce':
    case 'forge-rip':
    case 'dtp':
    case 'flood-mac':
      return `${item.do} by ${item.from}`
    case 'cut':
    case 'restore':
      return `${item.do} ${item.link}`
    case 'wait':
      return `wait ${item.time / 1e9} s`
    case 'configure':
      return `configure ${item.link ?? item.router ?? item.switch ?? ''}`
    case 'show':
      return `show ${item.host ?? item.switch ?? item.link ?? ''}`
  }
}

export function detailLines({ details }: ScriptEntry): string[] {
  const lines = linesOf(details)
  if ('overheard' in details && details.overheard !== null)
    lines.push(`the listener heard ${details.overheard} frames for others`)
  return lines
}

function linesOf(details: ScriptEntry['details']): string[] {
  switch (details.kind) {
    case 'ping':
      return pingLines(details)
    case 'traceroute':
      return tracerouteLines(details)
    case 'transfer':
      return transferLines(details)
    case 'send': {
      const { receivedFrom, cause, port } = details
      if (receivedFrom !== '') return [`port ${port} got it, from ${receivedFrom}`]
      return [cause === '' ? 'it did not come, and nobody says why' : errorWords[cause as PacketErrorKind]]
    }
    case 'tables':
      return details.tables.flatMap(({ title, columns, rows, whenEmpty }) => [
        title,
        ...(rows.length === 0 ? [whenEmpty] : textTable(columns, rows)).map((line) => `  ${line}`),
      ])
    case 'text':
      return details.text === '' ? [] : [details.text]
  }
}

const errorWords: Readonly<Record<PacketErrorKind, string>> = {
  'net-unreachable': 'Destination net unreachable',
  'host-unreachable': 'Destination host unreachable',
  'protocol-unreachable': 'Destination protocol unreachable',
  'port-unreachable': 'Destination port unreachable',
  'packet-too-big': 'Packet too big',
  prohibited: 'Communication prohibited',
  'time-exceeded': 'Time to live exceeded',
  'reassembly-timeout': 'Fragment reassembly time exceeded',
}

/** As ping prints them. */
function pingLines({ from, to, address, octets, answers, sent, answered }: PingDetails): string[] {
  const lines = [...answers]
    .sort((a, b) => a.sequence - b.sequence)
    .map((answer) => {
      switch (answer.outcome) {
        case 'answered':
          return `${octets + ICMP_HEADER_OCTETS} octets from ${answer.from}: icmp_seq=${answer.sequence} ttl=${answer.ttl} time=${milliseconds(answer.rttNs)}`
        case 'failed':
          return `From ${answer.from} icmp_seq=${answer.sequence} ${errorWords[answer.cause]}`
        case 'lost':
          return `no answer to icmp_seq=${answer.sequence}`
      }
    })
  const rtts = answers.flatMap((answer) => (answer.outcome === 'answered' ? [answer.rttNs] : []))
  const mean = rtts.reduce((sum, rtt) => sum + rtt, 0) / rtts.length
  const times = [Math.min(...rtts), mean, Math.max(...rtts)].map((ns) => (ns / 1e6).toFixed(3)).join('/')
  const loss = `${Number(((100 * (sent - answered)) / sent).toFixed(1))}% packet loss`
  return [
    `PING ${to} (${address}) from ${from}: ${octets} data octets`,
    ...(lines.length <= 10 ? lines : [...lines.slice(0, 9), `... and ${lines.length - 9} more`]),
    `${sent} packets transmitted, ${answered} received, ${loss}`,
    ...(rtts.length === 0 ? [] : [`rtt min/avg/max = ${times} ms`]),
  ]
}

/** As traceroute prints them. */
function tracerouteLines({ from, to, address, hopsMax, probes }: TracerouteDetails): string[] {
  const hops = new Map<number, string[]>()
  let speaker = ''
  for (const { hop, from: who, name, rttNs, cause } of probes) {
    const words = hops.get(hop) ?? []
    if (words.length === 0) speaker = ''
    if (who === '') words.push('*')
    else {
      const shown = name === who ? who : `${name} (${who})`
      words.push(`${speaker === who ? '' : `${shown}  `}${milliseconds(rttNs)}${marks[cause] ?? ''}`)
      speaker = who
    }
    hops.set(hop, words)
  }
  return [
    `traceroute to ${to} (${address}) from ${from}, ${hopsMax} hops max`,
    ...[...hops].map(([hop, words]) => `${String(hop).padStart(2)}  ${words.join('  ')}`),
  ]
}
const marks: Readonly<Record<string, string>> = {
  'net-unreachable': ' !N',
  'host-unreachable': ' !H',
  'protocol-unreachable': ' !P',
  'packet-too-big': ' !F',
  prohibited: ' !X',
}

function transferLines(details: TransferDetails): string[] {
  const { octets, elapsedNs, throughputBps, segmentsRetransmitted, srttNs, cwnd, ssthresh, mss, cause } = details
  const { congestionControl } = details
  const segments = (count: number): string => `${Math.round(count / mss)} segments`
  return [
    throughputBps === 0
      ? `${octets} octets were to go; given up after ${(elapsedNs / 1e9).toFixed(3)} s${cause === '' ? '' : `: ${cause}`}`
      : `${octets} octets in ${(elapsedNs / 1e9).toFixed(3)} s: ${bitRate(throughputBps)}`,
    ...(srttNs === 0
      ? []
      : [
          `${congestionControl}: ${segmentsRetransmitted} segments sent again, smoothed RTT ${milliseconds(srttNs)}, ` +
            `cwnd ${segments(cwnd)}, ssthresh ${ssthresh === null ? 'unset' : segments(ssthresh)}`,
        ]),
  ]
}
