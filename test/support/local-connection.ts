/** Connections to ports of this machine, such as those that QEMU's user network forwards to its guest. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A port of the loopback interface at which nobody listens now. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

/** A connection whose answers are told by their ends. Call `close` when done. */
export class LocalConnection {
  private received = ''
  private hasEnded = false
  private readonly socket: Socket

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.on('data', (octets: Buffer) => (this.received += octets.toString('latin1')))
    this.socket.on('close', () => (this.hasEnded = true))
    this.socket.on('error', () => undefined)
  }

  /** What came until `isWhole` takes it for the answer, or until the connection ended. Throws after 15 s. */
  async ask(text: string, isWhole: (answer: string) => boolean): Promise<string> {
    this.socket.write(Buffer.from(text, 'latin1'))
    for (let waitedMs = 0; !isWhole(this.received) && !this.hasEnded; waitedMs += 5) {
      if (waitedMs > 15_000) throw new Error(`no answer to ${JSON.stringify(text)}, but ${this.received}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const { received } = this
    this.received = ''
    return received
  }

  close(): void {
    this.socket.destroy()
  }
}
