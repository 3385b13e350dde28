/**
 * Runs the real tshark on a capture. A missing tshark is an error that says how to install it.
 *
 * Guesses about what a payload might be are switched off; protocols are recognised by port, and `decodeAs` names more.
 */
import { execFileSync, type ExecFileSyncOptionsWithBufferEncoding } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const CHECKSUM_PREFERENCES = ['ip', 'tcp', 'udp'].flatMap((protocol) => ['-o', `${protocol}.check_checksum:TRUE`])
/** Guessing by content; clear guest memory looks like many things. */
const HEURISTICS_OFF = ['-o', 'tcp.try_heuristic_first:FALSE', '-o', 'udp.try_heuristic_first:FALSE']

export interface TsharkOptions {
  /** Display filter: only packets that match are given. */
  readonly filter?: string
  /** Such as `tcp.port==49152,data`. */
  readonly decodeAs?: readonly string[]
  /** More arguments, such as `-o`, `tls.keylog_file:...`. */
  readonly extra?: readonly string[]
}

/** What tshark prints with those arguments for a pcapng or pcap. */
export function tshark(capture: Uint8Array, args: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'midstream-tshark-'))
  const options: ExecFileSyncOptionsWithBufferEncoding = { maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'pipe'] }
  try {
    const file = join(folder, 'capture.pcapng')
    writeFileSync(file, capture)
    return execFileSync(
      'tshark',
      ['-n', '-r', file, ...CHECKSUM_PREFERENCES, ...HEURISTICS_OFF, ...args],
      options,
    ).toString()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new Error('tshark is not installed: apt-get install tshark', { cause: error })
    const { stderr } = error as { stderr?: Buffer }
    throw new Error(`tshark ${args.join(' ')} failed: ${stderr?.toString() ?? String(error)}`, { cause: error })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The names of all fields that tshark knows. */
export function tsharkFieldNames(): ReadonlySet<string> {
  const list = execFileSync('tshark', ['-G', 'fields'], { maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'pipe'] })
  const lines = list.toString().split('\n')
  return new Set(lines.flatMap((line) => line.split('\t').slice(2, 3)))
}

/** One record a packet: the named fields (Wireshark's names), empty when the packet has none, several joined by commas. */
export function tsharkFields<F extends string>(
  capture: Uint8Array,
  fields: readonly F[],
  options: TsharkOptions = {},
): Record<F, string>[] {
  const output = tshark(capture, [
    ...selection(options),
    ...['-T', 'fields', '-E', 'separator=/t', '-E', 'occurrence=a', '-E', 'aggregator=,'],
    ...fields.flatMap((field) => ['-e', field]),
  ])
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const values = line.split('\t')
      return Object.fromEntries(fields.map((field, index) => [field, values[index] ?? ''])) as Record<F, string>
    })
}

/** One line a packet, as in the packet list. */
export function tsharkSummary(capture: Uint8Array, options: TsharkOptions = {}): string[] {
  return tshark(capture, selection(options))
    .split('\n')
    .filter((line) => line !== '')
}

/** What is wrong in a capture: malformed packets, bad checksums and every flag of the TCP analysis. Empty when it is clean. */
export function tsharkComplaints(capture: Uint8Array, options: Omit<TsharkOptions, 'filter'> = {}): string[] {
  const bad = ['ip', 'tcp', 'udp', 'icmp', 'icmpv6'].map((protocol) => `${protocol}.checksum.status == "Bad"`)
  const filter = ['_ws.malformed', '_ws.short', 'tcp.analysis.flags', ...bad].join(' || ')
  return tsharkSummary(capture, { ...options, filter })
}

function selection({ filter, decodeAs = [], extra = [] }: TsharkOptions): string[] {
  return [...(filter === undefined ? [] : ['-Y', filter]), ...decodeAs.flatMap((rule) => ['-d', rule]), ...extra]
}
