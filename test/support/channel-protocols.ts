import { Kernel } from '../../core/kernel/kernel.js'
import { ChannelEffects, type ChannelProtocol } from '../../core/secure/channel.js'
import { NaclProtocol } from '../../core/secure/nacl-channel.js'
import { SshConnection } from '../../core/secure/ssh/connection.js'
import { TlsClient } from '../../core/secure/tls/client.js'
import { TlsServer } from '../../core/secure/tls/server.js'
import { clientCredentials, serverCredentials } from './secured-pair.js'

export type ProtocolName = 'nacl' | 'ssh' | 'tls'
export type ProtocolPair = readonly [client: ChannelProtocol, server: ChannelProtocol]

/** Both ends of a channel's protocol, without time or network, not started. */
export function protocolPair(name: ProtocolName, seed = 'protocols'): ProtocolPair {
  const kernel = new Kernel(seed)
  const [random, serverRandom] = [kernel.random('client'), kernel.random('server')]
  if (name === 'tls')
    return [
      new TlsClient(clientCredentials.tlsClient!, { random }),
      new TlsServer(serverCredentials.tlsServer!, { random: serverRandom }),
    ]
  return name === 'nacl'
    ? [
        new NaclProtocol('client', clientCredentials.nacl!, random),
        new NaclProtocol('server', serverCredentials.nacl!, serverRandom),
      ]
    : [
        SshConnection.client(clientCredentials.sshClient!, { random }),
        SshConnection.server(serverCredentials.sshServer!, { random: serverRandom }),
      ]
}

export function takeEffects(protocol: ChannelProtocol): ChannelEffects {
  const { effects } = protocol
  protocol.effects = new ChannelEffects()
  return effects
}

/** What `protocol` has to send, as one piece a message. */
export function takeMessages(protocol: ChannelProtocol): Uint8Array[] {
  return takeEffects(protocol).messages.map(({ octets }) => octets)
}

/** Hand messages back and forth until both are silent. */
export function converse([client, server]: ProtocolPair): void {
  for (let isTalking = true; isTalking;) {
    const toServer = takeMessages(client)
    for (const octets of toServer) server.receive(octets)
    const toClient = takeMessages(server)
    for (const octets of toClient) client.receive(octets)
    isTalking = toServer.length + toClient.length > 0
  }
}

/** A pair past its handshake. */
export function openProtocolPair(name: ProtocolName): ProtocolPair {
  const pair = protocolPair(name)
  pair[0].start()
  pair[1].start()
  converse(pair)
  return pair
}
