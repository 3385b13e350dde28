/** What a migration is made of, each part alone over the same memory: where its time goes. */
import { StreamReader } from '../../core/migration/wire/stream-reader.js'
import { SilentObserver } from '../../core/migration/wire/stream-observer.js'
import { StreamWriter, type OctetSink } from '../../core/migration/wire/stream-writer.js'
import { PAGE_OCTETS } from '../../core/base/units.js'
import { Ram } from '../../core/machine/ram.js'
import type { Session } from '../../core/session/session.js'
import { openProtocolPair, takeEffects, takeMessages } from '../support/channel-protocols.js'
import { time } from './measures.js'
import { datagrams, network, transfer } from './traffic.js'

const BLOCK = 'riscv_virt_board.ram'
const BURST_PAGES = 16
/** Of payload, in an Ethernet frame of 1500 octets (with TCP's timestamps). */
const SEGMENT_OCTETS = 1448

class NoSink implements OctetSink {
  writableOctets(): number {
    return 2 ** 20
  }
  write(_octets: Uint8Array): void {}
}

class KeepingSink extends NoSink {
  readonly pieces: Uint8Array[] = []
  override write(octets: Uint8Array): void {
    this.pieces.push(octets.slice())
  }
}

class Apply extends SilentObserver {
  constructor(private readonly ram: Ram) {
    super()
  }
  override page(_block: number, offset: number, octets: Uint8Array): void {
    this.ram.write(offset, octets)
  }
}

function encode(source: Ram, sink: OctetSink): void {
  const writer = new StreamWriter()
  writer.fileHeader()
  writer.sectionStart({ sectionId: 2, idstr: 'ram', instanceId: 0, version: 4 })
  writer.memorySize([{ name: BLOCK, octets: source.pageCount * PAGE_OCTETS }])
  for (let page = 0; page < source.pageCount; page++) {
    writer.page(BLOCK, page * PAGE_OCTETS, source.page(page))
    if (page % BURST_PAGES === 0) writer.drainTo(sink)
  }
  writer.endOfRecords()
  writer.drainTo(sink)
}

function decode(pieces: readonly Uint8Array[], observer: SilentObserver): void {
  const reader = new StreamReader(observer, { unknownDevices: 'recover' })
  for (const piece of pieces) reader.push(piece)
}

/** Everything through a channel's protocol, both its ends. */
function seal(name: 'nacl' | 'ssh', pieces: readonly Uint8Array[]): void {
  const [client, server] = openProtocolPair(name)
  const deliver = (): void => {
    for (const record of takeMessages(client)) server.receive(record)
    const { payload, messages } = takeEffects(server)
    for (const { length } of payload) server.consumed(length)
    for (const { octets } of messages) client.receive(octets)
    for (const adjustment of takeMessages(server)) client.receive(adjustment)
  }
  for (const piece of pieces)
    for (let at = 0; at < piece.length; deliver()) {
      const room = client.sendableOctets()
      client.send(piece.subarray(at, at + room))
      at += Math.min(room, piece.length - at)
    }
}

/** Milliseconds a part, and how much memory it was. */
export function migrationParts(session: Session): {
  readonly parts: readonly (readonly [what: string, milliseconds: number])[]
  readonly ram: number
} {
  const source = session.world.liveVm()?.machine.ram
  if (source === undefined) throw new Error('no guest')
  const target = new Ram(source.octets.length)
  target.octets.set(source.octets)
  const kept = new KeepingSink()
  encode(source, kept)
  const none = (): void => undefined
  const part = (work: () => void): number => time(none, work)
  const decodeMs = part(() => decode(kept.pieces, new SilentObserver()))
  const octets = kept.pieces.reduce((sum, { length }) => sum + length, 0)
  const framesMs = part(() => void datagrams(network(2), Math.ceil(octets / SEGMENT_OCTETS)))
  const parts = [
    ['scan for zero pages', part(() => countZero(source))],
    ['encode', part(() => encode(source, new NoSink()))],
    ['seal and open, NaCl', part(() => seal('nacl', kept.pieces))],
    ['seal and open, SSH', part(() => seal('ssh', kept.pieces))],
    ['TCP, beyond its frames', part(() => void transfer(network(2), octets)) - framesMs],
    ['frames: as many datagrams of full size, through the switch', framesMs],
    ['decode', decodeMs],
    ['apply', part(() => decode(kept.pieces, new Apply(target))) - decodeMs],
    ['compare', part(() => source.differingOctets(target))],
  ] as const
  return { parts, ram: source.octets.length }
}

function countZero(ram: Ram): number {
  let zero = 0
  for (let page = 0; page < ram.pageCount; page++) if (ram.isZero(page)) zero++
  return zero
}
