/** TLS 1.3 between our ends and openssl's: whatever openssl refuses is a fault of ours. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HostCores } from '../../../core/kernel/cores.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import {
  TlsClientChannel,
  TlsServerChannel,
  type TlsClientCredentials,
  type TlsServerCredentials,
} from '../../../core/secure/tls-channel.js'
import { checkPath } from '../../../core/secure/tls/certificate-path.js'
import type { TlsConnection, TlsOptions } from '../../../core/secure/tls/connection.js'
import { cipherSuiteNames } from '../../../core/secure/tls/key-schedule.js'
import { decodeCertificate } from '../../../core/secure/tls/x509.js'
import { LabAuthority } from '../../../core/session/lab-authority.js'
import { patternOctets } from '../../support/secured-pair.js'
import { SocketStream } from '../../support/socket-stream.js'
import { StreamEndpoint } from '../../support/stream-endpoint.js'
import { listen, temporaryFolder } from '../openssh/openssh-tools.js'
import { connectedServer, openssl, OpensslProcess, writeIdentity, writePem } from './openssl-tools.js'

const MIB = 2 ** 20
const there = patternOctets(400_007)
const back = patternOctets(200_003)
/** Repeated, which is quicker. */
const bulk = (mebibytes: number): Uint8Array => {
  const octets = new Uint8Array(mebibytes * MIB)
  const piece = patternOctets(MIB)
  for (let at = 0; at < octets.length; at += MIB) octets.set(piece, at)
  return octets
}

const authority = new LabAuthority(new Kernel('openssl'))
const strangers = new LabAuthority(new Kernel('another authority'))
const trust = authority.trust()
const psk = { identity: Buffer.from('host-a'), key: new Uint8Array(32).fill(0x5a) }
const PSK_ARGS = ['-psk', '5a'.repeat(32), '-psk_identity', 'host-a']
const SERVER_ARGS = ['-cert', 'host-b.pem', '-key', 'host-b.key', '-CAfile', 'ca.pem']
const CLIENT_ARGS = ['-cert', 'host-a.pem', '-key', 'host-a.key', '-CAfile', 'ca.pem', '-verify_return_error']

const clientCredentials: TlsClientCredentials = {
  serverName: 'host-b',
  trust,
  identity: authority.identityOf('host-a'),
}
const serverCredentials: TlsServerCredentials = {
  identity: authority.identityOf('host-b'),
  clientTrust: trust,
  clientName: 'host-a',
}

const sha256 = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex')

let folder: ReturnType<typeof temporaryFolder>
beforeAll(() => {
  folder = temporaryFolder()
  writePem(folder.path, 'ca.pem', 'CERTIFICATE', authority.certificate())
  writePem(folder.path, 'strangers.pem', 'CERTIFICATE', strangers.certificate())
  writeIdentity(folder.path, 'host-a', authority.identityOf('host-a'))
  writeIdentity(folder.path, 'host-b', authority.identityOf('host-b'))
  writeIdentity(folder.path, 'stranger', strangers.identityOf('host-a'))
})
afterAll(() => folder.remove())

describe('certificates', () => {
  it('of ours are accepted by openssl verify, strictly', () => {
    const args = ['verify', '-x509_strict', '-CAfile', 'ca.pem', '-verify_hostname']
    for (const purpose of ['sslserver', 'sslclient']) {
      const { status, stderr } = openssl(folder.path, ...args, 'host-b', '-purpose', purpose, 'host-b.pem')
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    }
    expect(openssl(folder.path, ...args, 'host-c', 'host-b.pem').stderr).toContain('hostname mismatch')
    expect(openssl(folder.path, 'verify', '-CAfile', 'strangers.pem', 'host-b.pem').status).not.toBe(0)
  })

  it('of openssl are read and checked by us', () => {
    const req = ['req', '-x509', '-newkey', 'ed25519', '-noenc', '-days', '3650']
    const outputs = (name: string): string[] => ['-keyout', `${name}.key`, '-out', `${name}.der`, '-outform', 'DER']
    const ca = openssl(folder.path, ...req, ...outputs('their-ca'), '-subj', '/O=Theirs/CN=Their CA')
    expect(ca).toMatchObject({ status: 0 })
    const extensions = ['subjectAltName=DNS:host-x,DNS:*.example.org,IP:192.0.2.1', 'extendedKeyUsage=serverAuth']
    const host = openssl(
      folder.path,
      ...[...req, ...outputs('their-host'), '-subj', '/CN=host-x', '-CA', 'their-ca.der', '-CAkey', 'their-ca.key'],
      ...extensions.flatMap((extension) => ['-addext', extension]),
      ...['-addext', 'basicConstraints=critical,CA:FALSE'],
    )
    expect(host).toMatchObject({ status: 0 })
    const read = (name: string): Uint8Array => new Uint8Array(readFileSync(join(folder.path, `${name}.der`)))
    const certificate = decodeCertificate(read('their-host'))
    expect(certificate).toMatchObject({
      subjectText: 'CN=host-x',
      issuerText: 'O=Theirs,CN=Their CA',
      isAuthority: false,
      dnsNames: ['host-x', '*.example.org'],
      ipAddresses: ['192.0.2.1'],
    })
    expect(certificate.notAfter - certificate.notBefore).toBe(3650 * 86_400)
    const their = { authorities: [read('their-ca')], instant: certificate.notBefore }
    for (const name of ['host-x', 'a.example.org', '192.0.2.1'])
      expect(checkPath([certificate], { trust: their, role: 'server', name }).refusal).toBeNull()
    expect(checkPath([certificate], { trust: their, role: 'server', name: 'a.b.example.org' }).refusal).toMatchObject({
      alert: 'bad_certificate',
    })
    expect(checkPath([certificate], { trust: their, role: 'client', name: null }).refusal).toMatchObject({
      alert: 'unsupported_certificate',
    })
  })
})

describe('our client against openssl s_server', () => {
  interface ClientRun extends Omit<TlsOptions, 'random'> {
    readonly credentials?: TlsClientCredentials
    readonly toServer?: Uint8Array
    readonly toClient?: Uint8Array
  }

  async function talk(serverArgs: readonly string[], run: ClientRun = {}) {
    const { credentials = clientCredentials, toServer = there, toClient = back, ...options } = run
    const { process, socket } = await connectedServer(folder.path, ['-quiet', ...serverArgs])
    try {
      process.tell(toClient)
      const kernel = new Kernel('openssl server')
      const channel = new TlsClientChannel(kernel, {
        ...credentials,
        ...options,
        lower: new SocketStream(kernel, socket),
        cores: new HostCores(kernel, 'a', 2),
        hostName: 'host-a',
        random: kernel.random('client'),
      })
      // openssl's programs leave when they hear the end: our end speaks last.
      const endpoint = new StreamEndpoint(channel, toServer, 65_536, { readOctets: toClient.length })
      const closed = new Promise((resolve) => socket.on('close', resolve))
      while (kernel.step());
      await closed
      await process.stop()
      const { failure, state, protocol } = channel
      return {
        failure,
        state,
        tls: protocol as TlsConnection,
        endpoint,
        output: process.output,
        said: process.messages,
      }
    } finally {
      await process.stop()
    }
  }

  function expectCarried({ failure, endpoint, output, state }: Awaited<ReturnType<typeof talk>>): void {
    expect(failure).toBeNull()
    expect(sha256(output)).toBe(sha256(there))
    expect(sha256(endpoint.received)).toBe(sha256(back))
    expect(state).toBe('closed')
  }

  it.each(cipherSuiteNames)('carries octets both ways under %s', async (suite) => {
    const result = await talk([...SERVER_ARGS, '-ciphersuites', suite])
    expectCarried(result)
    expect(result.tls).toMatchObject({ cipherSuite: suite, peerCertificate: { subjectText: 'CN=host-b' } })
  })

  it('shows its certificate when asked, and is refused without', async () => {
    expectCarried(await talk([...SERVER_ARGS, '-Verify', '1', '-verify_return_error']))
    const refused = await talk([...SERVER_ARGS, '-Verify', '1'], { credentials: { serverName: 'host-b', trust } })
    expect(refused.failure).toMatchObject({
      kind: 'authentication',
      message: 'tls: the server sent the alert certificate_required',
    })
    expect(refused.output.length).toBe(0)
  })

  it('uses a pre-shared key', async () => {
    const result = await talk([...PSK_ARGS, '-nocert'], { credentials: { serverName: 'host-b', psk } })
    expectCarried(result)
    expect(result.tls).toMatchObject({ usesPsk: true, peerCertificate: null })
    const wrong = { ...psk, key: new Uint8Array(32) }
    const refused = await talk([...PSK_ARGS, '-nocert'], { credentials: { serverName: 'host-b', psk: wrong } })
    expect(refused.failure?.message).toMatch(/the server sent the alert/)
  })

  it('brings back the cookie of a HelloRetryRequest', async () => {
    expectCarried(await talk([...SERVER_ARGS, '-stateless']))
  })

  it('changes its keys on the way', async () => {
    const result = await talk(SERVER_ARGS, { keyUpdateRecords: 5 })
    expectCarried(result)
    expect(result.tls.keyUpdates.sent).toBeGreaterThan(2)
  })

  it('carries several mebibytes both ways', async () => {
    const [toServer, toClient] = [bulk(4), bulk(3)]
    const { failure, output, endpoint } = await talk(SERVER_ARGS, { toServer, toClient })
    expect(failure).toBeNull()
    expect(sha256(output)).toBe(sha256(toServer))
    expect(sha256(endpoint.received)).toBe(sha256(toClient))
  })

  it('carries 64 MiB', async () => {
    const toServer = bulk(64)
    const args = [...SERVER_ARGS, '-ciphersuites', 'TLS_CHACHA20_POLY1305_SHA256']
    const { failure, output, state } = await talk(args, { toServer })
    expect([failure, state]).toEqual([null, 'closed'])
    expect(sha256(output)).toBe(sha256(toServer))
  })

  it.each([
    ['another name', { serverName: 'host-c' }, 'the certificate is for host-b, not for host-c'],
    ['another authority', { trust: strangers.trust() }, 'the signature on the certificate of CN=host-b is wrong'],
    ['an expired certificate', { trust: { ...trust, instant: 2 ** 32 } }, 'the certificate of CN=host-b has expired'],
  ])('refuses %s', async (_what, difference, reason) => {
    const { failure, output, endpoint } = await talk(SERVER_ARGS, {
      credentials: { ...clientCredentials, ...difference },
    })
    expect(failure).toMatchObject({ kind: 'authentication', message: `tls: ${reason}` })
    expect([output.length, endpoint.opened]).toEqual([0, false])
  })

  it('takes any certificate, as its bad variant', async () => {
    expectCarried(await talk(SERVER_ARGS, { credentials: { serverName: 'host-c', trust: 'any' } }))
  })
})

describe('openssl s_client against our server', () => {
  interface ServerRun extends Omit<TlsOptions, 'random'> {
    readonly credentials?: TlsServerCredentials
    readonly toServer?: Uint8Array
    readonly toClient?: Uint8Array
  }

  async function talk(clientArgs: readonly string[], run: ServerRun = {}) {
    const { credentials = serverCredentials, toServer = there, toClient = back, ...options } = run
    const kernel = new Kernel('openssl client')
    const ends: { channel: TlsServerChannel; endpoint: StreamEndpoint }[] = []
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const channel = new TlsServerChannel(kernel, {
        ...credentials,
        ...options,
        lower: new SocketStream(kernel, socket),
        cores: new HostCores(kernel, 'b', 2),
        hostName: 'host-b',
        random: kernel.random('server'),
      })
      ends.push({ channel, endpoint: new StreamEndpoint(channel, toClient, 65_536, { readOctets: toServer.length }) })
      while (kernel.step());
    })
    const port = await listen(server)
    const client = new OpensslProcess(folder.path, [
      ...['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'host-b', '-verify_hostname', 'host-b'],
      ...['-quiet', ...clientArgs],
    ])
    client.tell(toServer)
    const status = await client.ended()
    await new Promise((resolve) => server.close(resolve))
    const { channel, endpoint } = ends[0]!
    return { status, failure: channel.failure, channel, endpoint, output: client.output, said: client.messages }
  }

  function expectCarried({ failure, endpoint, output, channel, status }: Awaited<ReturnType<typeof talk>>): void {
    expect(failure).toBeNull()
    expect(sha256(output)).toBe(sha256(back))
    expect(sha256(endpoint.received)).toBe(sha256(there))
    expect([channel.state, status]).toEqual(['closed', 0])
  }

  it.each(cipherSuiteNames)('carries octets both ways under %s', async (suite) => {
    const result = await talk([...CLIENT_ARGS, '-ciphersuites', suite])
    expectCarried(result)
    expect(result.channel.protocol).toMatchObject({
      cipherSuite: suite,
      serverName: 'host-b',
      peerCertificate: { subjectText: 'CN=host-a' },
    })
  })

  it('needs no certificate of the client when not set up so', async () => {
    const credentials = { identity: authority.identityOf('host-b') }
    expectCarried(await talk(['-CAfile', 'ca.pem', '-verify_return_error'], { credentials }))
  })

  it('asks for a share of x25519 from a client that guessed another group', async () => {
    const result = await talk([...CLIENT_ARGS, '-groups', 'P-256:X25519'])
    expectCarried(result)
    const names = result.channel.place.kernel.trace.rows('channel-message').map(({ name }) => name)
    expect(names.slice(0, 3)).toEqual(['HelloRetryRequest', 'ChangeCipherSpec', 'ServerHello'])
  })

  it('uses a pre-shared key', async () => {
    const result = await talk(PSK_ARGS, { credentials: { psks: [psk] } })
    expectCarried(result)
    expect(result.channel.protocol).toMatchObject({ usesPsk: true, cipherSuite: 'TLS_CHACHA20_POLY1305_SHA256' })
  })

  it('changes its keys on the way', async () => {
    const result = await talk(CLIENT_ARGS, { keyUpdateRecords: 3 })
    expectCarried(result)
    expect((result.channel.protocol as TlsConnection).keyUpdates.sent).toBeGreaterThan(2)
  })

  it.each([
    ['a client without a certificate', ['-CAfile', 'ca.pem'], 'tls: the client has no certificate'],
    [
      "another authority's client",
      ['-cert', 'stranger.pem', '-key', 'stranger.key', '-CAfile', 'ca.pem'],
      'tls: the signature on the certificate of CN=host-a is wrong',
    ],
    [
      'a client of another name',
      ['-cert', 'host-b.pem', '-key', 'host-b.key', '-CAfile', 'ca.pem'],
      'tls: the certificate is for host-b, not for host-a',
    ],
    ['TLS 1.2', ['-tls1_2'], 'the client does not speak TLS 1.3'],
    ['a client without x25519', [...CLIENT_ARGS, '-groups', 'P-256'], 'the client does not know the group x25519'],
    [
      'a pre-shared key where there is none',
      [...PSK_ARGS, '-cert', 'stranger.pem', '-key', 'stranger.key'],
      'tls: the signature on the certificate of CN=host-a is wrong',
    ],
  ])('refuses %s', async (_what, args, reason) => {
    const { failure, output, status, endpoint, said } = await talk(args)
    expect(failure?.message).toContain(reason)
    expect([output.length, endpoint.opened, status]).toEqual([0, false, 1])
    expect(said).toContain('alert')
  })

  it('hears from a client that refuses it', async () => {
    const { failure, output } = await talk([...CLIENT_ARGS, '-CAfile', 'strangers.pem'])
    expect(failure).toMatchObject({ kind: 'authentication' })
    expect(failure?.message).toMatch(/^tls: the client sent the alert (unknown_ca|decrypt_error|bad_certificate)$/)
    expect(output.length).toBe(0)
  })
})
