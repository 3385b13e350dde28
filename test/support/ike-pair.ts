import { Kernel } from '../../core/kernel/kernel.js'
import type { IkeEnd, IkeParts } from '../../core/secure/esp/ike-exchange.js'
import { IkeInitiator } from '../../core/secure/esp/ike-initiator.js'
import { IkeResponder } from '../../core/secure/esp/ike-responder.js'
import type { EspMode } from '../../core/secure/esp/security-policies.js'
import { ed25519PublicKey } from '../../core/secure/ssh/key-exchange.js'

export const localAddress = 0xfd00_0000_0000_0000_0000_0000_0a00_0001n
export const remoteAddress = 0xfd00_0000_0000_0000_0000_0000_0a00_0002n

const initiatorKey = new Uint8Array(32).fill(1)
const responderKey = new Uint8Array(32).fill(2)

export interface IkePairOptions {
  readonly mode?: EspMode
  readonly initiator?: Partial<IkeParts>
  readonly responder?: Partial<IkeParts>
}

/** Two ends that know each other. The responder learns the initiator's SPI from the first message, as a host does. */
export function ikePair({ mode = 'transport', initiator = {}, responder = {} }: IkePairOptions = {}): {
  readonly initiator: IkeInitiator
  readonly responder: IkeResponder
} {
  const kernel = new Kernel('ike')
  const first = new IkeInitiator({
    name: 'host-a',
    secretKey: initiatorKey,
    peerName: 'host-b',
    peerPublicKey: ed25519PublicKey(responderKey),
    local: localAddress,
    remote: remoteAddress,
    mode,
    spi: 0xa000_0001,
    random: kernel.random('a'),
    ...initiator,
  })
  const second = new IkeResponder(
    {
      name: 'host-b',
      secretKey: responderKey,
      peerName: 'host-a',
      peerPublicKey: ed25519PublicKey(initiatorKey),
      local: remoteAddress,
      remote: localAddress,
      mode,
      spi: 0xb000_0001,
      random: kernel.random('b'),
      ...responder,
    },
    first.initiatorSpi,
  )
  return { initiator: first, responder: second }
}

export interface IkeDatagram {
  readonly name: string
  readonly octets: Uint8Array
  readonly fromInitiator: boolean
}

/** Carry messages to and fro until there are none. `change` may alter one; what an end throws is in `refused`. */
export function exchangeOver(
  initiator: IkeInitiator,
  responder: IkeResponder,
  {
    change = (octets) => octets,
    refused = [],
  }: { change?: (octets: Uint8Array, number: number) => Uint8Array; refused?: unknown[] } = {},
): IkeDatagram[] {
  const crossed: IkeDatagram[] = []
  initiator.start()
  let [from, to]: [IkeEnd, IkeEnd] = [initiator, responder]
  for (let datagrams = from.effects.datagrams; datagrams.length > 0; datagrams = from.effects.datagrams) {
    from.effects.datagrams.splice(0).forEach(({ name, octets }) => {
      crossed.push({ name, octets, fromInitiator: from === initiator })
      try {
        to.receive(change(octets, crossed.length))
      } catch (error) {
        refused.push(error)
      }
    })
    ;[from, to] = [to, from]
  }
  return crossed
}
