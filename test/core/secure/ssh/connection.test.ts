import { describe, expect, it } from 'vitest'
import { AuthenticationError, WireError } from '../../../../core/base/errors.js'
import { concatOctets, equalOctets, latin1Octets, latin1Text } from '../../../../core/base/octets.js'
import { Kernel } from '../../../../core/kernel/kernel.js'
import { SshClientTunnel, SshServerTunnel } from '../../../../core/secure/ssh-tunnel.js'
import { SshConnection } from '../../../../core/secure/ssh/connection.js'
import { ed25519PublicKey, offerKexInit } from '../../../../core/secure/ssh/key-exchange.js'
import { sealPacket } from '../../../../core/secure/ssh/packet-cipher.js'
import { decodeKexInit, encodeKexInit, sshMessage } from '../../../../core/secure/wire/ssh-messages.js'
import { HostCores } from '../../../../core/kernel/cores.js'
import {
  converse,
  openProtocolPair,
  protocolPair,
  takeEffects,
  takeMessages,
  type ProtocolPair,
} from '../../../support/channel-protocols.js'
import {
  clientCredentials,
  patternOctets,
  runToEnd,
  securedPair,
  serverCredentials,
  serverSecret,
  strangerSecret,
} from '../../../support/secured-pair.js'
import { StreamEndpoint } from '../../../support/stream-endpoint.js'
import { streamPair } from '../../../support/stream-pair.js'

const ssh = { client: clientCredentials.sshClient!, server: serverCredentials.sshServer! }
const random = new Kernel('ssh connection').random('test')

/** A clear packet, as an attacker without keys can make. */
const clearPacket = (payload: Uint8Array): Uint8Array => sealPacket(null, 0, payload, new Uint8Array(0), random)
const version = latin1Octets('SSH-2.0-test\r\n')
const started = (role: 'client' | 'server') => {
  const [client, server] = protocolPair('ssh')
  const protocol = role === 'client' ? client : server
  protocol.start()
  return protocol
}
/** Speak for the other side of an open connection, past what its own state machine would say. */
const speak = (
  [client]: ProtocolPair,
  name: 'SSH_MSG_CHANNEL_DATA' | 'SSH_MSG_CHANNEL_OPEN' | 'SSH_MSG_GLOBAL_REQUEST',
  payload: Uint8Array,
) => {
  const connection = client as SshConnection
  connection.transport.send(name, payload)
  return concatOctets(takeMessages(connection))
}

describe('an SSH connection', () => {
  it('refuses a host it does not know', () => {
    const pair = securedPair('ssh', {
      clientCredentials: { sshClient: { ...ssh.client, trustedHostKeys: [ed25519PublicKey(strangerSecret)] } },
    })
    runToEnd(pair.kernel)
    expect(pair.client.failure).toEqual({
      kind: 'authentication',
      protocol: 'ssh',
      message: 'ssh: the host key is not among the known hosts',
    })
    expect(pair.server.failure?.kind).toBe('connection')
    expect([pair.client.opened, pair.server.opened]).toEqual([false, false])
  })

  it('refuses a host that shows the known key and cannot sign with it', () => {
    const client = started('client')
    const impostor = SshConnection.server({ ...ssh.server, hostKey: strangerSecret }, { random })
    impostor.start()
    const hello = concatOctets(takeMessages(impostor))
    impostor.receive(concatOctets(takeMessages(client)))
    client.receive(hello)
    impostor.receive(concatOctets(takeMessages(client)))
    const reply = concatOctets(takeMessages(impostor))
    const at = latin1Text(reply).indexOf(latin1Text(ed25519PublicKey(strangerSecret)))
    reply.set(ed25519PublicKey(serverSecret), at)
    expect(() => client.receive(reply)).toThrow('did not prove its key')
  })

  it('refuses a host that comes with another key when keys are changed, even one it trusts', () => {
    const hostKey = serverSecret.slice()
    const trustedHostKeys = [serverSecret, strangerSecret].map(ed25519PublicKey)
    const client = SshConnection.client({ ...ssh.client, trustedHostKeys }, { random })
    const server = SshConnection.server({ ...ssh.server, hostKey }, { random })
    client.start()
    server.start()
    converse([client, server])
    hostKey.set(strangerSecret)
    client.transport.rekey()
    expect(() => converse([client, server])).toThrow('changed its key while rekeying')
  })

  it('takes any host when told not to check: the mistake', () => {
    const pair = securedPair('ssh', {
      clientCredentials: { sshClient: { ...ssh.client, trustedHostKeys: 'any' } },
      serverCredentials: { sshServer: { ...ssh.server, hostKey: strangerSecret } },
    })
    runToEnd(pair.kernel)
    expect([pair.client.opened, pair.server.opened]).toEqual([true, true])
  })

  it('refuses a user it does not know', () => {
    const pair = securedPair('ssh', {
      toServer: patternOctets(1000),
      clientCredentials: { sshClient: { ...ssh.client, identity: strangerSecret } },
    })
    runToEnd(pair.kernel)
    expect(pair.client.failure).toMatchObject({ kind: 'authentication', protocol: 'ssh' })
    expect(pair.client.failure?.message).toContain("refused the user's key")
    expect([pair.server.opened, pair.server.received.length]).toEqual([false, 0])
  })

  it('refuses to forward anywhere else', () => {
    const pair = securedPair('ssh', {
      clientCredentials: { sshClient: { ...ssh.client, target: { host: '127.0.0.1', port: 22 } } },
    })
    runToEnd(pair.kernel)
    expect(pair.client.failure?.message).toBe(
      'ssh: the server refused to forward to 127.0.0.1: that target is not forwarded to',
    )
  })

  it('changes keys on the way without losing an octet', () => {
    const kernel = new Kernel('rekey')
    const lower = streamPair(kernel)
    const place = (index: 0 | 1) => ({
      lower: lower[index],
      cores: new HostCores(kernel, 'host', 2),
      hostName: 'host',
      random: kernel.random(`end ${index}`),
    })
    const client = new SshClientTunnel(kernel, { ...place(0), ...ssh.client, rekeyOctets: 100_000 })
    const server = new SshServerTunnel(kernel, { ...place(1), ...ssh.server })
    const ends = [
      new StreamEndpoint(client, patternOctets(600_000)),
      new StreamEndpoint(server, patternOctets(300_000)),
    ]
    runToEnd(kernel)
    expect(equalOctets(ends[1]!.received, patternOctets(600_000))).toBe(true)
    expect(equalOctets(ends[0]!.received, patternOctets(300_000))).toBe(true)
    expect([client.state, server.state]).toEqual(['closed', 'closed'])
    expect((client.protocol as SshConnection).transport.exchangeCount).toBeGreaterThan(4)
    expect((server.protocol as SshConnection).transport.exchangeCount).toBe(
      (client.protocol as SshConnection).transport.exchangeCount,
    )
  })

  it('may be asked for new keys by both sides at once', () => {
    const pair = openProtocolPair('ssh')
    for (const end of pair) (end as SshConnection).transport.rekey()
    expect(pair[0].sendableOctets()).toBe(0)
    converse(pair)
    pair[0].send(Uint8Array.of(7))
    pair[1].receive(concatOctets(takeMessages(pair[0])))
    expect(takeEffects(pair[1]).payload).toEqual([Uint8Array.of(7)])
  })

  it('stops at a shut window and goes on when it opens', () => {
    const [client, server] = openProtocolPair('ssh')
    let sent = 0
    for (let room = client.sendableOctets(); room > 0; room = client.sendableOctets()) {
      client.send(new Uint8Array(room))
      sent += room
    }
    expect(sent).toBe(64 * 32_768)
    server.receive(concatOctets(takeMessages(client)))
    server.consumed(40_000)
    client.receive(concatOctets(takeMessages(server)))
    expect(client.sendableOctets()).toBe(32_768)
    client.send(new Uint8Array(32_768))
    expect(client.sendableOctets()).toBe(40_000 - 32_768)
  })

  it('refuses what was slipped in before the key exchange (CVE-2023-48795)', () => {
    const server = started('server')
    const ignore = clearPacket(sshMessage('SSH_MSG_IGNORE').string('').take())
    const kexInit = clearPacket(offerKexInit('client', new Uint8Array(16)))
    expect(() => server.receive(concatOctets([version, ignore, kexInit]))).toThrow('KEXINIT was not the first packet')
    const other = started('server')
    expect(() => other.receive(concatOctets([version, kexInit, ignore]))).toThrow('before the first key exchange')
  })

  it('drops a packet that was guessed wrong', () => {
    const [client, server] = protocolPair('ssh')
    const offer = decodeKexInit(offerKexInit('client', new Uint8Array(16)))
    const guessing = encodeKexInit({
      ...offer,
      kexAlgorithms: ['ecdh-sha2-nistp256', 'curve25519-sha256'],
      firstKexPacketFollows: true,
    })
    server.start()
    client.start()
    const guess = clearPacket(sshMessage('SSH_MSG_KEX_ECDH_INIT').string(new Uint8Array(65)).take())
    const real = clearPacket(sshMessage('SSH_MSG_KEX_ECDH_INIT').string(ed25519PublicKey(strangerSecret)).take())
    server.receive(concatOctets([version, clearPacket(guessing), guess, real]))
    expect(takeEffects(server).messages.map(({ name }) => name)).toContain('SSH_MSG_NEWKEYS')
  })

  it('lets a server speak before its version, a client not', () => {
    const greeting = latin1Octets('Welcome\r\nto b\r\n')
    const client = started('client')
    takeMessages(client)
    client.receive(concatOctets([greeting, version, clearPacket(offerKexInit('server', new Uint8Array(16)))]))
    expect(takeEffects(client).messages.map(({ name }) => name)).toEqual(['SSH_MSG_KEX_ECDH_INIT'])
    expect(() => started('server').receive(greeting)).toThrow('not a version of SSH 2: "Welcome"')
    expect(() => started('client').receive(latin1Octets('SSH-1.5-old\r\n'))).toThrow('not a version of SSH 2')
    expect(() => started('client').receive(new Uint8Array(300).fill(0x41))).toThrow('no version line')
    expect(() => started('client').receive(latin1Octets('hello\n'.repeat(100)))).toThrow(WireError)
  })

  it.each([
    ['NEWKEYS', sshMessage('SSH_MSG_NEWKEYS').take()],
    ['ECDH_INIT', sshMessage('SSH_MSG_KEX_ECDH_INIT').string(new Uint8Array(32)).take()],
    ['ECDH_REPLY', sshMessage('SSH_MSG_KEX_ECDH_REPLY').string('').string('').string('').take()],
    ['USERAUTH_SUCCESS', sshMessage('SSH_MSG_USERAUTH_SUCCESS').take()],
    ['DISCONNECT', sshMessage('SSH_MSG_DISCONNECT').u32(2).string('no').string('').take()],
  ])('refuses %s before its turn', (_name, payload) => {
    for (const role of ['client', 'server'] as const)
      expect(() => started(role).receive(concatOctets([version, clearPacket(payload)]))).toThrow(WireError)
  })

  it('refuses a login by a signature over another session', () => {
    const [client, server] = protocolPair('ssh', 'one')
    client.start()
    server.start()
    const toClient = takeMessages(server)
    server.receive(concatOctets(takeMessages(client)))
    client.receive(concatOctets(toClient))
    server.receive(concatOctets(takeMessages(client)))
    client.receive(concatOctets(takeMessages(server)))
    // The keys are made. Now the same user signs with the same key, but for another connection.
    ;(client as SshConnection).transport.sessionId = new Uint8Array(32)
    expect(() => converse([client, server])).toThrow(AuthenticationError)
    expect(takeEffects(server).opened).toBe(false)
  })

  it('refuses more data than the window holds', () => {
    const pair = openProtocolPair('ssh')
    const data = sshMessage('SSH_MSG_CHANNEL_DATA').u32(0).string(new Uint8Array(32_768)).take()
    for (let packet = 0; packet < 64; packet++) pair[1].receive(speak(pair, 'SSH_MSG_CHANNEL_DATA', data))
    expect(() => pair[1].receive(speak(pair, 'SSH_MSG_CHANNEL_DATA', data))).toThrow('the window has 0')
  })

  it('answers what it does not do with the standard refusal', () => {
    const pair = openProtocolPair('ssh')
    const session = sshMessage('SSH_MSG_CHANNEL_OPEN').string('session').u32(1).u32(1000).u32(1000).take()
    const second = sshMessage('SSH_MSG_CHANNEL_OPEN').string('direct-tcpip').u32(1).u32(1000).u32(1000)
    const secondPayload = second.string('127.0.0.1').u32(49152).string('::1').u32(1).take()
    const forward = sshMessage('SSH_MSG_GLOBAL_REQUEST').string('tcpip-forward').boolean(true).take()
    pair[1].receive(speak(pair, 'SSH_MSG_CHANNEL_OPEN', session))
    pair[1].receive(speak(pair, 'SSH_MSG_CHANNEL_OPEN', secondPayload))
    pair[1].receive(speak(pair, 'SSH_MSG_GLOBAL_REQUEST', forward))
    expect(takeEffects(pair[1]).messages.map(({ name }) => name)).toEqual([
      'SSH_MSG_CHANNEL_OPEN_FAILURE',
      'SSH_MSG_CHANNEL_OPEN_FAILURE',
      'SSH_MSG_REQUEST_FAILURE',
    ])
  })

  it('stops listening to a peer that asks and asks and never takes the answers', () => {
    const { kernel, lower, channels } = securedPair('ssh', { endsAfter: 'never' })
    runToEnd(kernel)
    const { transport } = channels[0].protocol as SshConnection
    const [near] = lower
    near.owner = null
    // The refusal names the type, as far as 40 characters.
    const request = sshMessage('SSH_MSG_CHANNEL_OPEN').string('x'.repeat(40)).u32(1).u32(1).u32(1).take()
    let written = 0
    for (let isTaken = true; isTaken && written < 4e6;) {
      while (near.writableOctets() > 60_000) {
        for (let count = 0; count < 500; count++) transport.send('SSH_MSG_CHANNEL_OPEN', request)
        const octets = concatOctets(takeMessages(channels[0].protocol))
        near.write(octets)
        written += octets.length
      }
      runToEnd(kernel)
      isTaken = near.writableOctets() > 60_000
    }
    expect(written).toBeLessThan(2e6)
    expect(channels[1].state).toBe('open')
  })
})
