/** Two TCP connections that two victims take for one: what each sends is read, perhaps edited, and sent to the other. */
import type { ByteStream, StreamOwner } from '../../base/byte-stream.js'
import { concatOctets } from '../../base/octets.js'
import type { StreamEditor } from './stream-editor.js'

const READ_OCTETS = 65536
/** No more is read while so much waits to be written. */
const WAITING_OCTETS_MAX = 262_144

/** One direction. */
interface Lane {
  readonly from: ByteStream
  readonly to: ByteStream
  readonly editor: StreamEditor
  waiting: Uint8Array
  hasEnded: boolean
  isFlushed: boolean
}

export class RelayedConnection implements StreamOwner {
  private readonly toServer: Lane
  private readonly toClient: Lane
  private isOver = false
  /** Octets that were passed on, both ways. */
  octetsRelayed = 0

  constructor(client: ByteStream, server: ByteStream, editors: { toServer: StreamEditor; toClient: StreamEditor }) {
    const lane = (from: ByteStream, to: ByteStream, editor: StreamEditor): Lane => {
      return { from, to, editor, waiting: new Uint8Array(0), hasEnded: false, isFlushed: false }
    }
    this.toServer = lane(client, server, editors.toServer)
    this.toClient = lane(server, client, editors.toClient)
    client.owner = this
    server.owner = this
  }

  streamOpened(): void {
    this.pump()
  }
  streamReadable(): void {
    this.pump()
  }
  streamWritable(): void {
    this.pump()
  }
  streamEnded(stream: ByteStream): void {
    this.laneFrom(stream).hasEnded = true
    this.pump()
  }

  /** A connection that breaks breaks for both, as it would without anybody between them. */
  streamFailed(stream: ByteStream): void {
    if (this.isOver) return
    this.isOver = true
    this.laneFrom(stream).to.abort()
  }

  private laneFrom(stream: ByteStream): Lane {
    return stream === this.toServer.from ? this.toServer : this.toClient
  }

  private pump(): void {
    if (this.isOver) return
    this.move(this.toServer)
    if (!this.isOver) this.move(this.toClient)
  }

  private move(lane: Lane): void {
    const { from, to, editor } = lane
    if (to.state !== 'open') return
    for (;;) {
      this.write(lane)
      if (lane.waiting.length >= WAITING_OCTETS_MAX) return
      const octets = from.readableOctets() > 0 ? from.read(READ_OCTETS) : null
      if (octets === null || octets.length === 0) break
      lane.waiting = concatOctets([lane.waiting, editor.push(octets)])
      if (editor.cuts) return this.cut(lane)
      const reply = editor.takeReply?.() ?? null
      if (reply !== null) return this.answer(lane, reply)
    }
    if (!lane.hasEnded || lane.isFlushed) return
    lane.waiting = concatOctets([lane.waiting, editor.end()])
    this.write(lane)
    if (lane.waiting.length > 0) {
      // The rest goes when there is room: the editor has nothing more to say.
      return
    }
    lane.isFlushed = true
    to.end()
  }

  private write(lane: Lane): void {
    const length = Math.min(lane.waiting.length, lane.to.writableOctets())
    if (length === 0) return
    lane.to.write(lane.waiting.subarray(0, length))
    lane.waiting = lane.waiting.subarray(length)
    this.octetsRelayed += length
  }

  /** The receiver has heard enough; the sender is told what it waits for. */
  private answer({ from, to }: Lane, reply: Uint8Array): void {
    this.isOver = true
    to.abort()
    from.write(reply)
    from.end()
  }

  /** What is waiting still goes as far as it can; then both ends are dead. */
  private cut(lane: Lane): void {
    this.write(lane)
    this.isOver = true
    this.toServer.from.abort()
    this.toServer.to.abort()
  }
}
