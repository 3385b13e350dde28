import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HostCores } from '../../../core/kernel/cores.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import type { SecureChannel } from '../../../core/secure/channel.js'
import { SshClientTunnel, SshServerTunnel } from '../../../core/secure/ssh-tunnel.js'
import type { SshConnection } from '../../../core/secure/ssh/connection.js'
import { ed25519PublicKey } from '../../../core/secure/ssh/key-exchange.js'
import type { SshCipher } from '../../../core/secure/ssh/packet-cipher.js'
import { patternOctets } from '../../support/secured-pair.js'
import { SocketStream } from '../../support/socket-stream.js'
import { StreamEndpoint } from '../../support/stream-endpoint.js'
import { listen, makeKey, publicKeyLine, requireOpenSsh, startSshd, temporaryFolder } from './openssh-tools.js'

// MIDSTREAM_SSH_MIB=64 forwards more than the mebibyte of every run.
const FORWARDED_OCTETS = Number(process.env['MIDSTREAM_SSH_MIB'] ?? '1') * 2 ** 20
const TARGET_PORT = 49152
const there = patternOctets(FORWARDED_OCTETS)
const back = patternOctets(FORWARDED_OCTETS / 2 + 1)

const sha256 = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex')
const messageNames = (kernel: Kernel): string[] => kernel.trace.rows('channel-message').map(({ name }) => name)
const exchangesOf = (channel: SecureChannel): number => (channel.protocol as SshConnection).transport.exchangeCount

let folder: ReturnType<typeof temporaryFolder>
beforeAll(() => {
  requireOpenSsh()
  folder = temporaryFolder()
})
afterAll(() => folder.remove())

describe('the ssh of OpenSSH against our server', () => {
  const hostKey = new Uint8Array(32).fill(7)

  async function forward(clientOptions: string[], authorize: boolean, rekeyOctets = 2 ** 30) {
    const kernel = new Kernel('openssh client')
    const user = makeKey(folder.path, `user-${clientOptions.length}-${authorize}-${rekeyOctets}`)
    const ends: { channel: SshServerTunnel; endpoint: StreamEndpoint }[] = []
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const channel = new SshServerTunnel(kernel, {
        lower: new SocketStream(kernel, socket),
        cores: new HostCores(kernel, 'b', 2),
        hostName: 'b',
        random: kernel.random('server'),
        hostKey,
        authorizedKeys: authorize ? [user.publicKey] : [ed25519PublicKey(hostKey)],
        acceptTarget: { host: '127.0.0.1', port: TARGET_PORT },
        rekeyOctets,
      })
      // `ssh -W` leaves when it hears the end, whether it has sent everything or not: so the client ends first.
      ends.push({ channel, endpoint: new StreamEndpoint(channel, back, 4096, 'peer') })
      while (kernel.step());
    })
    const port = await listen(server)
    const knownHosts = join(folder.path, `known_hosts-${port}`)
    writeFileSync(knownHosts, `[127.0.0.1]:${port} ${publicKeyLine(ed25519PublicKey(hostKey))}\n`)
    const args = ['-F', 'none', '-o', `UserKnownHostsFile=${knownHosts}`, '-o', 'StrictHostKeyChecking=yes']
    args.push('-o', 'BatchMode=yes', '-o', 'IdentitiesOnly=yes', '-i', user.path, '-p', String(port), ...clientOptions)
    const client = spawn('ssh', [...args, '-W', `127.0.0.1:${TARGET_PORT}`, 'migration@127.0.0.1'])
    const output: Buffer[] = []
    let messages = ''
    client.stdout.on('data', (octets: Buffer) => output.push(octets))
    client.stderr.on('data', (text: Buffer) => (messages += text.toString()))
    client.stdin.on('error', () => (messages += 'stdin was shut\n'))
    client.stdin.end(there)
    const status = await new Promise<number | null>((resolve) => client.on('close', resolve))
    await new Promise((resolve) => server.close(resolve))
    return { kernel, status, messages, output: new Uint8Array(Buffer.concat(output)), end: ends[0] }
  }

  it('forwards a stream both ways', async () => {
    const { kernel, status, messages, output, end } = await forward([], true)
    expect({ status, messages }).toEqual({ status: 0, messages: '' })
    expect(sha256(output)).toBe(sha256(back))
    expect(sha256(end!.endpoint.received)).toBe(sha256(there))
    expect(end!.endpoint.ended).toBe(true)
    expect(end!.channel).toMatchObject({ state: 'closed', failure: null })
    expect(messageNames(kernel).slice(0, 4)).toEqual([
      'version',
      'SSH_MSG_KEXINIT',
      'SSH_MSG_KEX_ECDH_REPLY',
      'SSH_MSG_NEWKEYS',
    ])
  })

  it('changes keys when the client asks', async () => {
    const { status, output, end } = await forward(['-o', 'RekeyLimit=128K'], true)
    expect(status).toBe(0)
    expect(sha256(output)).toBe(sha256(back))
    expect(sha256(end!.endpoint.received)).toBe(sha256(there))
    expect(exchangesOf(end!.channel)).toBeGreaterThan(3)
  })

  it('forwards under AES-256-GCM', async () => {
    const { status, output, end } = await forward(['-c', 'aes256-gcm@openssh.com', '-o', 'RekeyLimit=256K'], true)
    expect(status).toBe(0)
    expect(sha256(output)).toBe(sha256(back))
    expect(sha256(end!.endpoint.received)).toBe(sha256(there))
    expect(exchangesOf(end!.channel)).toBeGreaterThan(1)
  })

  it('changes keys when our server asks', async () => {
    const { status, output, end } = await forward([], true, 200_000)
    expect(status).toBe(0)
    expect(sha256(output)).toBe(sha256(back))
    expect(sha256(end!.endpoint.received)).toBe(sha256(there))
    expect(exchangesOf(end!.channel)).toBeGreaterThan(3)
  })

  it('refuses a key that is not authorised', async () => {
    const { status, messages, output, end } = await forward([], false)
    expect(status).toBe(255)
    expect(messages).toContain('Permission denied (publickey)')
    expect(output.length).toBe(0)
    expect(end!.endpoint.opened).toBe(false)
  })
})

describe('our client against the sshd of OpenSSH', () => {
  const identity = new Uint8Array(32).fill(9)
  let sshd: Awaited<ReturnType<typeof startSshd>>
  let hostKey: ReturnType<typeof makeKey>

  beforeAll(async () => {
    hostKey = makeKey(folder.path, 'host')
    sshd = await startSshd(folder.path, hostKey.path, ed25519PublicKey(identity))
  })
  afterAll(() => sshd.stop())

  interface ClientOptions {
    readonly identity?: Uint8Array
    readonly trustedHostKey?: Uint8Array
    readonly rekeyOctets?: number
    readonly ciphers?: readonly SshCipher[]
  }

  async function forward(options: ClientOptions = {}) {
    const received: Buffer[] = []
    const target = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('data', (octets) => received.push(octets))
      socket.on('error', (error) => received.push(Buffer.from(error.message)))
      socket.end(back)
    })
    const targetPort = await listen(target)
    const kernel = new Kernel('openssh server')
    const socket = connect({ port: sshd.port, host: '127.0.0.1', allowHalfOpen: true })
    await new Promise((resolve) => socket.once('connect', resolve))
    const channel = new SshClientTunnel(kernel, {
      lower: new SocketStream(kernel, socket),
      cores: new HostCores(kernel, 'a', 2),
      hostName: 'a',
      random: kernel.random('client'),
      identity: options.identity ?? identity,
      user: userInfo().username,
      trustedHostKeys: [options.trustedHostKey ?? hostKey.publicKey],
      target: { host: '127.0.0.1', port: targetPort },
      rekeyOctets: options.rekeyOctets ?? 2 ** 30,
      ...(options.ciphers === undefined ? {} : { ciphers: options.ciphers }),
    })
    const endpoint = new StreamEndpoint(channel, there)
    const closed = new Promise((resolve) => socket.on('close', resolve))
    while (kernel.step());
    await closed
    await new Promise((resolve) => target.close(resolve))
    return { kernel, channel, endpoint, received: new Uint8Array(Buffer.concat(received)) }
  }

  it('forwards a stream both ways', async () => {
    const { kernel, channel, endpoint, received } = await forward()
    expect(channel.failure).toBeNull()
    expect(sha256(received)).toBe(sha256(there))
    expect(sha256(endpoint.received)).toBe(sha256(back))
    expect(channel.state).toBe('closed')
    expect(messageNames(kernel)).toEqual([
      'version',
      'SSH_MSG_KEXINIT',
      'SSH_MSG_KEX_ECDH_INIT',
      'SSH_MSG_NEWKEYS',
      'SSH_MSG_SERVICE_REQUEST',
      'SSH_MSG_USERAUTH_REQUEST',
      'SSH_MSG_CHANNEL_OPEN',
      'SSH_MSG_CHANNEL_EOF',
      'SSH_MSG_CHANNEL_CLOSE',
      'SSH_MSG_DISCONNECT',
    ])
    expect(sshd.log()).toContain('Accepted publickey')
  })

  it('changes keys when our client asks', async () => {
    const { channel, endpoint, received } = await forward({ rekeyOctets: 200_000 })
    expect(channel.failure).toBeNull()
    expect(sha256(received)).toBe(sha256(there))
    expect(sha256(endpoint.received)).toBe(sha256(back))
    expect(exchangesOf(channel)).toBeGreaterThan(3)
  })

  it('forwards under AES-256-GCM, with new keys on the way', async () => {
    const { channel, endpoint, received } = await forward({
      ciphers: ['aes256-gcm@openssh.com'],
      rekeyOctets: 400_000,
    })
    expect(channel.failure).toBeNull()
    expect(sha256(received)).toBe(sha256(there))
    expect(sha256(endpoint.received)).toBe(sha256(back))
    expect(exchangesOf(channel)).toBeGreaterThan(1)
  })

  it('refuses a host it does not know', async () => {
    const { channel, received } = await forward({ trustedHostKey: ed25519PublicKey(identity) })
    expect(channel.failure).toMatchObject({
      kind: 'authentication',
      message: 'ssh: the host key is not among the known hosts',
    })
    expect(received.length).toBe(0)
  })

  it('is refused with a key that is not authorised', async () => {
    const { channel, received } = await forward({ identity: new Uint8Array(32).fill(10) })
    expect(channel.failure).toMatchObject({ kind: 'authentication', protocol: 'ssh' })
    expect(channel.failure?.message).toContain('publickey')
    expect(received.length).toBe(0)
  })
})
