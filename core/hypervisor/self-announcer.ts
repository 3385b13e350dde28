import type { FrameSink } from '../base/frame-sink.js'
import { milliseconds } from '../base/units.js'
import type { Kernel, Process } from '../kernel/kernel.js'
import { encodeRarpAnnouncement } from '../net/wire/arp.js'
import { readMac } from '../net/wire/addresses.js'

/** QEMU's defaults (qapi/net.json, AnnounceParameters): the first at once, the gap grows by a step. */
const announceDefaults = { rounds: 5, initialNs: milliseconds(50), stepNs: milliseconds(100), maxNs: milliseconds(550) }

/** Announces a VM's address from its new host, five times, as QEMU does after an incoming migration. */
export class SelfAnnouncer implements Process {
  private sent = 0

  constructor(
    private readonly kernel: Kernel,
    private readonly mac: Uint8Array,
    private readonly network: FrameSink,
  ) {}

  start(): void {
    this.kernel.schedule(0, this, { kind: 'announce' })
  }

  handleEvent(): void {
    this.network.receiveFrame(encodeRarpAnnouncement(readMac(this.mac, 0)))
    this.sent++
    if (this.sent === announceDefaults.rounds) return
    const { initialNs, stepNs, maxNs } = announceDefaults
    this.kernel.schedule(Math.min(maxNs, initialNs + (this.sent - 1) * stepNs), this, { kind: 'announce' })
  }
}
