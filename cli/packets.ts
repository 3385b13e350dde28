// Captures on the terminal: what the packet view of the window shows, for scripts and for those who like a prompt.
//   0 shown · 1 the file is of no use · 2 asked for wrongly
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { InputError, WireError } from '../core/base/errors.js'
import { CaptureIndex } from '../core/capture/capture-index.js'
import { conversationKinds, conversationsOf, type ConversationKind } from '../core/capture/conversations.js'
import type { FieldDefinition } from '../core/capture/field.js'
import { fieldNamed } from '../core/capture/fields.js'
import { closestFields } from '../core/capture/filter/completions.js'
import { DisplayFilter } from '../core/capture/filter/display-filter.js'
import { FilterError } from '../core/capture/filter/filter-error.js'
import { followStream, hexDump, streamText, type FollowedStream } from '../core/capture/follow-stream.js'
import { CaptureFileSource } from '../core/capture/frame-source.js'
import { packetTree, packetValues } from '../core/capture/packet-facts.js'
import { summarisePacket } from '../core/capture/packet-summary.js'
import type { TreeNode } from '../core/capture/packet-tree.js'
import { protocolHierarchy, type HierarchyNode } from '../core/capture/protocol-hierarchy.js'
import { foundText } from '../core/capture/value-sink.js'
import { printable } from '../core/capture/value-text.js'
import { PcapngWriter } from '../core/net/wire/pcapng.js'
import { expectWritable, openOutput, writeOutputFile, type Output } from './output.js'

interface Wanted {
  readonly filter: string
  readonly details: boolean
  readonly hex: boolean
  readonly packet: number | null
  readonly fields: readonly FieldDefinition[]
}

export async function packetsCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      filter: { type: 'string', short: 'Y', default: '' },
      details: { type: 'boolean', short: 'V', default: false },
      hex: { type: 'boolean', short: 'x', default: false },
      packet: { type: 'string' },
      fields: { type: 'string' },
      follow: { type: 'string' },
      conversations: { type: 'string' },
      hierarchy: { type: 'boolean', default: false },
      write: { type: 'string', short: 'w' },
      secrets: { type: 'string' },
      json: { type: 'string' },
    },
  })
  const [path, ...others] = positionals
  if (path === undefined || others.length > 0) throw new InputError('name one capture')
  const wanted: Wanted = {
    filter: values.filter,
    details: values.details,
    hex: values.hex,
    packet: values.packet === undefined ? null : wholeNumber('--packet', values.packet),
    fields: (values.fields ?? '')
      .split(',')
      .filter((name) => name !== '')
      .map(fieldOf),
  }
  const output = openOutput(values.json)
  if (values.secrets !== undefined && values.write === undefined)
    throw new InputError('--secrets puts TLS keys into the capture that --write writes: name it')
  const secrets = values.secrets === undefined ? null : await readKeyLog(values.secrets)
  await expectWritable(values.json === '-' ? undefined : values.json, values.write)

  const source = await openCapture(path)
  if (typeof source === 'string') {
    process.stderr.write(`midstream packets: ${path}: ${source}\n`)
    return 1
  }
  const index = new CaptureIndex(source)
  index.update()
  const filter = filterOf(index, wanted.filter)
  if (values.write !== undefined) {
    const { octets, count } = chosenPackets(index, filter, secrets)
    await writeOutputFile(values.write, octets)
    output.line(`${count} packets written to ${values.write}`)
    await output.json({ packets: count })
    return 0
  }
  let shown: unknown
  if (values.follow !== undefined) shown = showStream(index, wholeNumber('--follow', values.follow), wanted, output)
  else if (values.conversations !== undefined) shown = showConversations(index, values.conversations, filter, output)
  else if (values.hierarchy) shown = showHierarchy(index, filter, output)
  else shown = showPackets(index, filter, wanted, output)
  for (const warning of [...source.warnings, ...index.notes]) output.line(`warning: ${printable(warning)}`)
  await output.json(shown)
  return 0
}

/** The packets that a filter finds as a capture of their own, with their comments, and the keys that open them. */
function chosenPackets(
  { source, firstPacket, lastPacket }: CaptureIndex,
  filter: DisplayFilter,
  secrets: string | null,
): { readonly octets: Uint8Array; readonly count: number } {
  const writer = new PcapngWriter()
  if (secrets !== null) writer.addTlsSecrets(secrets)
  const interfaces = new Map<string, number>()
  const found = filter.matchRange(firstPacket, lastPacket + 1)
  for (const packet of found) {
    const name = source.interfaceName(packet)
    const linkType = source.linkType(packet)
    const key = `${linkType} ${name}`
    const interfaceId = interfaces.get(key) ?? writer.addInterface(name, linkType)
    interfaces.set(key, interfaceId)
    const frame = source.frame(packet)
    if (frame === undefined) continue
    writer.addPacket(interfaceId, source.timeNs(packet) ?? 0, frame, { comment: source.comment(packet) })
  }
  return { octets: writer.take(), count: found.length }
}

/** Lines of an NSS key log: a label, the client's random, the secret, the last two in hexadecimal. */
async function readKeyLog(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new InputError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  })
  const lines = text.split(/\r?\n/)
  const bad = lines.findIndex(
    (line) => line !== '' && !line.startsWith('#') && !/^[A-Z0-9_]+ [0-9a-f]{64} [0-9a-f]+$/i.test(line),
  )
  if (bad >= 0)
    throw new InputError(`${path}: line ${bad + 1} is no line of a TLS key log (LABEL, client random, secret)`)
  return text
}

/** Or why there is none. */
async function openCapture(path: string): Promise<CaptureFileSource | string> {
  try {
    const octets = await readFile(path)
    const isPacked = octets[0] === 0x1f && octets[1] === 0x8b
    return new CaptureFileSource(new Uint8Array(isPacked ? gunzipSync(octets) : octets))
  } catch (error) {
    if (error instanceof WireError) return error.message
    if (error instanceof Error && 'code' in error) return error.message
    throw error
  }
}

function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InputError(`${option} takes a whole number, not ${text}`)
  return Number(text)
}

function fieldOf(name: string): FieldDefinition {
  const definition = fieldNamed(name.trim())
  if (definition !== undefined) return definition
  const close = closestFields(name.trim())
  throw new InputError(`there is no field ${name}${close.length === 0 ? '' : `: did you mean ${close.join(', ')}?`}`)
}

/** An error points at the place. */
function filterOf(index: CaptureIndex, text: string): DisplayFilter {
  try {
    return new DisplayFilter(index, text)
  } catch (error) {
    if (!(error instanceof FilterError)) throw error
    const mark = `${' '.repeat(error.start)}${'^'.repeat(Math.max(1, error.end - error.start))}`
    throw new InputError(`${error.message}\n  ${text}\n  ${mark}`)
  }
}

function showPackets(index: CaptureIndex, filter: DisplayFilter, wanted: Wanted, output: Output): unknown[] {
  const found = Array.from(filter.matchRange(index.firstPacket, index.lastPacket + 1))
  const packets = wanted.packet === null ? found : found.filter((packet) => packet === wanted.packet)
  return packets.map((packet) => {
    if (wanted.fields.length > 0) return showFields(index, packet, wanted.fields, output)
    const summary = summarisePacket(index, packet)
    if (summary === null) return null
    const { timeNs, source, destination, protocol, octets, info } = summary
    const time = ((timeNs - index.firstNs) / 1e9).toFixed(9)
    output.line(`${packet} ${time} ${source} → ${destination} ${protocol} ${octets} ${printable(info)}`)
    const tree = wanted.details || wanted.hex ? packetTree(index, packet) : null
    if (tree !== null && wanted.details) showTree(tree.layers, '', output)
    for (const { name, octets: shown } of tree !== null && wanted.hex ? tree.sources : []) {
      if (tree !== null && tree.sources.length > 1) output.line(`${name}:`)
      output.line(hexDump(shown))
    }
    if (tree !== null) output.line()
    return wanted.details && tree !== null ? { ...summary, layers: tree.layers } : summary
  })
}

function showTree(nodes: readonly TreeNode[], indent: string, output: Output): void {
  for (const { label, children } of nodes) {
    output.line(`${indent}${printable(label)}`)
    showTree(children, `${indent}    `, output)
  }
}

/** Tab-separated, several values of one field with commas: as `tshark -T fields` does. */
function showFields(
  index: CaptureIndex,
  packet: number,
  fields: readonly FieldDefinition[],
  output: Output,
): Readonly<Record<string, readonly string[]>> {
  const members = fields.map((definition) => definition.members ?? [definition])
  const values = packetValues(index, packet, new Set(members.flat()))
  const columns = members.map((each) => each.flatMap((member) => (values?.all(member) ?? []).map(foundText)))
  output.line(columns.map((texts) => printable(texts.join(','))).join('\t'))
  return Object.fromEntries(fields.map(({ name }, column) => [name, columns[column] ?? []]))
}

function showStream(index: CaptureIndex, number: number, { hex }: Wanted, output: Output): unknown {
  const followed = followStream(index, number)
  if (followed === null)
    throw new InputError(`there is no stream ${number}: streams are 0 to ${index.streams.length - 1}`)
  output.line(`stream ${number}: ${followed.client} and ${followed.server}`)
  for (const part of followed.parts) showPart(followed, part, hex, output)
  if (followed.isCut) output.line('… there is more')
  return {
    ...followed,
    parts: followed.parts.map((part) => ({ ...part, octets: Buffer.from(part.octets).toString('base64') })),
  }
}

function showPart(
  { client, server }: FollowedStream,
  { sender, packet, octets, position, missingBefore }: FollowedStream['parts'][number],
  hex: boolean,
  output: Output,
): void {
  if (missingBefore > 0) output.line(`[${missingBefore} octets were not captured]`)
  output.line(`--- ${sender === 'client' ? client : server}, packet ${packet}, ${octets.length} octets`)
  output.line(hex ? hexDump(octets, position) : streamText(octets).trimEnd())
}

function showConversations(index: CaptureIndex, kind: string, filter: DisplayFilter, output: Output): unknown {
  const known = conversationKinds.find((each): each is ConversationKind => each === kind)
  if (known === undefined) throw new InputError(`--conversations takes one of ${conversationKinds.join(', ')}`)
  const found = conversationsOf(index, known, (packet) => filter.matches(packet))
  const rows = found.map((each) => [
    each.a,
    each.b,
    each.packetsToB,
    each.octetsToB,
    each.packetsToA,
    each.octetsToA,
    (each.startNs / 1e9).toFixed(6),
    (each.durationNs / 1e9).toFixed(6),
    Math.round(each.bitRateToB),
    Math.round(each.bitRateToA),
  ])
  output.table(
    ['A', 'B', 'packets to B', 'octets', 'packets to A', 'octets', 'start', 'duration', 'bit/s to B', 'to A'],
    rows,
  )
  return found
}

function showHierarchy(index: CaptureIndex, filter: DisplayFilter, output: Output): HierarchyNode {
  const root = protocolHierarchy(index, (packet) => filter.matches(packet))
  const rows: (readonly [string, number, number])[] = []
  const add = ({ protocol, packets, octets, children }: HierarchyNode, depth: number): void => {
    rows.push([`${'  '.repeat(depth)}${protocol}`, packets, octets])
    for (const child of children) add(child, depth + 1)
  }
  add(root, 0)
  output.table(['protocol', 'packets', 'octets'], rows)
  return root
}
