import { Kernel } from '../../core/kernel/kernel.js'
import { ChannelEffects, type ChannelProtocol } from '../../core/secure/channel.js'
import type { ChannelName } from '../../core/secure/channels.js'
import { recordKeyBits } from '../../core/secure/records/record-channel.js'
import { RecordProtocol } from '../../core/secure/records/record-protocol.js'
import { NaclProtocol } from '../../core/secure/nacl-channel.js'
import { SshConnection } from '../../core/secure/ssh/connection.js'
import { TlsClient } from '../../core/secure/tls/client.js'
import { TlsServer } from '../../core/secure/tls/server.js'
import { VmotionProtocol } from '../../core/secure/vmotion-channel.js'
import { clientCredentials, serverCredentials } from './secured-pair.js'

/** Of the channels above TCP. */
type SealedChannelName = Exclude<ChannelName, 'none' | 'esp' | 'esp-tunnel'>
export type ProtocolPair = readonly [client: ChannelProtocol, server: ChannelProtocol]

/** Both ends of a channel's protocol, without time or network, not started. */
export function protocolPair(name: SealedChannelName, seed = 'protocols'): ProtocolPair {
  const kernel = new Kernel(seed)
  const [random, serverRandom] = [kernel.random('client'), kernel.random('server')]
  if (name === 'nacl')
    return [
      new NaclProtocol('client', clientCredentials.nacl!, random),
      new NaclProtocol('server', serverCredentials.nacl!, serverRandom),
    ]
  if (name === 'ssh' || name === 'ssh-aes-gcm') {
    const ciphers = [name === 'ssh' ? 'chacha20-poly1305@openssh.com' : 'aes256-gcm@openssh.com'] as const
    return [
      SshConnection.client(clientCredentials.sshClient!, { random, ciphers }),
      SshConnection.server(serverCredentials.sshServer!, { random: serverRandom, ciphers }),
    ]
  }
  if (name === 'tls-psk') {
    const { psk, serverName } = clientCredentials.tlsPsk!
    return [new TlsClient({ serverName, psk }, { random }), new TlsServer({ psks: [psk] }, { random: serverRandom })]
  }
  if (name === 'tls')
    return [
      new TlsClient(clientCredentials.tlsClient!, { random }),
      new TlsServer(serverCredentials.tlsServer!, { random: serverRandom }),
    ]
  if (name === 'vmotion-opportunistic' || name === 'vmotion-required')
    return [
      new VmotionProtocol(name, 'client', clientCredentials.vmotion!, random),
      new VmotionProtocol(name, 'server', serverCredentials.vmotion!, serverRandom),
    ]
  const hello = { name, secretKeyBits: recordKeyBits[name] }
  return [
    new RecordProtocol('client', hello, clientCredentials.records!, random),
    new RecordProtocol('server', hello, serverCredentials.records!, serverRandom),
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
export function openProtocolPair(name: SealedChannelName): ProtocolPair {
  const pair = protocolPair(name)
  pair[0].start()
  pair[1].start()
  converse(pair)
  return pair
}
