/**
 * A host's management controller: it has power while the host is off, a network address of its own, and switches the host for
 * whoever asks, as ASF 2.0 does on its port without authentication; or for whoever proves what its guard wants.
 */
import { AuthenticationError, WireError } from '../base/errors.js'
import type { CommandGuard } from '../defence/command-guard.js'
import { decodeGuarded, isGuarded } from '../hypervisor/wire/guarded-command.js'
import { ASF_PORT, decodeAsf, encodeAsf } from '../hypervisor/wire/asf.js'
import type { HostStack } from '../net/host-stack.js'
import type { ReceivedDatagram, UdpListener, UdpSocket } from '../net/udp.js'

/** What it switches. Being told what is so already changes nothing. */
export interface PowerSwitch {
  readonly isOn: boolean
  powerUp(): void
  powerDown(): void
  /** A command that does not prove what it must. */
  commandRefused(reason: string): void
}

export class ManagementController implements UdpListener {
  private readonly socket: UdpSocket
  /** Messages that did not decode, and were dropped. */
  malformed = 0

  constructor(
    stack: HostStack,
    private readonly power: PowerSwitch,
    private readonly guard: CommandGuard,
  ) {
    this.socket = stack.udp.open(this, ASF_PORT)
  }

  datagramReceived({ source, sourcePort, payload }: ReceivedDatagram): void {
    const { power, guard } = this
    try {
      const isGuardedOne = isGuarded(payload)
      if (isGuardedOne && decodeGuarded(payload).kind === 'ask-challenge') {
        if (guard.scheme === 'nonce') this.socket.sendTo(source, sourcePort, guard.challenge())
        return
      }
      const { type, tag } = decodeAsf(isGuardedOne ? guard.open(payload) : payload)
      const isCommand = type === 'power-up' || type === 'power-down'
      if (isCommand && !isGuardedOne && guard.scheme !== 'none') power.commandRefused('it proves nothing')
      else if (type === 'power-up') power.powerUp()
      else if (type === 'power-down') power.powerDown()
      else if (type === 'state-request') {
        const answer = encodeAsf({ type: 'state-response', tag, isOn: power.isOn })
        this.socket.sendTo(source, sourcePort, answer)
      }
    } catch (error) {
      if (error instanceof AuthenticationError) return power.commandRefused(error.reason)
      if (!(error instanceof WireError)) throw error
      this.malformed++
    }
  }
}
