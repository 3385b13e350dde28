/**
 * A host's management controller: it has power while the host is off, a network address of its own, and switches the host for
 * whoever asks, as ASF 2.0 does on its port without authentication.
 */
import { WireError } from '../base/errors.js'
import { ASF_PORT, decodeAsf, encodeAsf } from '../hypervisor/wire/asf.js'
import type { HostStack } from '../net/host-stack.js'
import type { ReceivedDatagram, UdpListener, UdpSocket } from '../net/udp.js'

/** What it switches. Being told what is so already changes nothing. */
export interface PowerSwitch {
  readonly isOn: boolean
  powerUp(): void
  powerDown(): void
}

export class ManagementController implements UdpListener {
  private readonly socket: UdpSocket
  /** Messages that did not decode, and were dropped. */
  malformed = 0

  constructor(
    stack: HostStack,
    private readonly power: PowerSwitch,
  ) {
    this.socket = stack.udp.open(this, ASF_PORT)
  }

  datagramReceived({ source, sourcePort, payload }: ReceivedDatagram): void {
    const { power } = this
    try {
      const { type, tag } = decodeAsf(payload)
      if (type === 'power-up') power.powerUp()
      else if (type === 'power-down') power.powerDown()
      else if (type === 'state-request') {
        const answer = encodeAsf({ type: 'state-response', tag, isOn: power.isOn })
        this.socket.sendTo(source, sourcePort, answer)
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.malformed++
    }
  }
}
