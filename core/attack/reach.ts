/**
 * All that an attacker has to work with: one cable, computing of its own, and time. No host, machine, monitor or trace.
 *
 * So an attack is the same wherever its computer stands: beside the lab, or in another worker that exchanges only frames
 * with it.
 */
import type { ByteStream } from '../base/byte-stream.js'
import type { Nanos } from '../base/units.js'
import type { IpAddress, Ipv4Address, MacAddress } from '../net/wire/addresses.js'

export interface Reach {
  /** The clock of the attacker's own computer. */
  readonly nowNs: Nanos
  /** Its own station on the cable. */
  readonly mac: MacAddress
  readonly address: Ipv4Address
  /** Its own source of randomness: keys, sequence numbers, forged addresses. */
  readonly random: AttackerRandom
  /** Put a frame, true or not, on the cable. It is given away. */
  sendFrame(frame: Uint8Array): void
  /** Wake `sleeper` once, after a time. */
  wakeAfter(delayNs: Nanos, sleeper: Sleeper): void
  /** The operating system's own stack, at `address`. */
  readonly station: Station
  /** Another TCP/IP stack at the same MAC address, which hears nothing but the frames that are handed to it. */
  pretend(as: Pretence): Station
  /** What the attacker says of its own progress: `stage` is one of the attack's stages. */
  tell(stage: string, text: string): void
}

export interface AttackerRandom {
  octets(length: number): Uint8Array
  u32(): number
  /** Uniform in [0, bound). */
  below(bound: number): number
}

export interface Sleeper {
  woken(): void
}

/** Whose address a stack uses, and where the stations that it talks to are. */
export interface Pretence {
  readonly address: Ipv4Address
  readonly neighbours: readonly { readonly address: Ipv4Address; readonly mac: MacAddress }[]
}

export interface Station {
  /** Open a TCP connection; `localPort` 0 takes any. */
  connect(address: IpAddress, port: number, localPort?: number): ByteStream
  listen(port: number, acceptor: Acceptor): void
  receiveFrame(frame: Uint8Array): void
}

export interface Acceptor {
  /** Somebody has connected to `port`: take the stream by setting its owner. */
  accepted(stream: ByteStream, port: number, from: { readonly address: IpAddress; readonly port: number }): void
}

/** Something an attacker has running. Its state is plain data, so that a kept state can hold it. */
export interface Attack {
  start(): void
  /** A frame came in by the cable. True when the attack has taken it; else the attacker's own station gets it. */
  takesFrame(frame: Uint8Array): boolean
  /** Leave things as they would be without: as far as the attacker can. */
  stop(): void
}
