/** Our TLS 1.3 on the lab's TCP, read by tshark: as TLS without keys, whole with the key log. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { ByteStream } from '../../../core/base/byte-stream.js'
import { latin1Octets } from '../../../core/base/octets.js'
import { HostCores } from '../../../core/kernel/cores.js'
import { TlsClientChannel, TlsServerChannel } from '../../../core/secure/tls-channel.js'
import { cipherSuiteNames, type CipherSuiteName } from '../../../core/secure/tls/key-schedule.js'
import type { TlsConnection } from '../../../core/secure/tls/connection.js'
import { NetworkFixture } from '../../support/network-fixture.js'
import { clientCredentials, runToEnd, serverCredentials } from '../../support/secured-pair.js'
import { StreamEndpoint } from '../../support/stream-endpoint.js'
import { tsharkComplaints, tsharkFields, tsharkSummary } from '../../support/tshark.js'

const SECRET = 'the-memory-of-a-guest'
const decodeAs = ['tcp.port==49152,tls']
/** Of RFC 8446, hello to Finished of both ends; then a KeyUpdate. */
const HANDSHAKE = ['1', '2', '8', '13', '11', '15', '20', '11', '15', '20', '24']

function capture(cipherSuite: CipherSuiteName) {
  const net = new NetworkFixture()
  const options = (role: 'client' | 'server', lower: ByteStream) => ({
    lower,
    cores: new HostCores(net.kernel, role, 2),
    hostName: role,
    random: net.kernel.random(role),
    cipherSuites: [cipherSuite],
    keyUpdateRecords: 2,
  })
  const text = latin1Octets(SECRET.repeat(1900))
  const server: StreamEndpoint[] = []
  net.host(1).listen(49152, {
    connectionAccepted: (lower) => {
      const channel = new TlsServerChannel(net.kernel, { ...options('server', lower), ...serverCredentials.tlsServer! })
      server.push(new StreamEndpoint(channel))
    },
  })
  const lower = net.host(0).connect(net.host(1).address, 49152)
  const channel = new TlsClientChannel(net.kernel, { ...options('client', lower), ...clientCredentials.tlsClient! })
  const client = new StreamEndpoint(channel, text, 65_536)
  runToEnd(net.kernel)
  expect(server[0]?.received).toEqual(text)
  expect(client.failure).toBeNull()
  return { octets: net.tap.toPcapng(), keyLog: (channel.protocol as unknown as TlsConnection).keyLog }
}

it.each(cipherSuiteNames)('%s is TLS 1.3, and opens with its keys alone', (cipherSuite) => {
  const { octets, keyLog } = capture(cipherSuite)
  expect(tsharkComplaints(octets, { decodeAs })).toEqual([])
  const hellos = tsharkFields(octets, ['tls.handshake.type', 'tls.handshake.extensions_server_name'], {
    decodeAs,
    filter: 'tls.handshake',
  })
  expect(hellos.map((row) => row['tls.handshake.type'])).toEqual(['1', '2'])
  expect(hellos[0]?.['tls.handshake.extensions_server_name']).toBe('b')
  expect(tsharkSummary(octets, { decodeAs, filter: 'tls.app_data' }).every((line) => line.includes('TLSv1.3'))).toBe(
    true,
  )
  const folder = mkdtempSync(join(tmpdir(), 'midstream-keylog-'))
  try {
    const file = join(folder, 'keys.log')
    writeFileSync(file, `${keyLog.join('\n')}\n`)
    const options = { decodeAs, extra: ['-o', `tls.keylog_file:${file}`] }
    const opened = tsharkFields(octets, ['tls.handshake.type', 'tls.alert_message.desc', 'data.text'], options)
    const types = opened.flatMap((row) => row['tls.handshake.type'].split(',')).filter((type) => type !== '')
    expect(types).toEqual(expect.arrayContaining(HANDSHAKE))
    expect(types.filter((type) => type !== '24')).toEqual(HANDSHAKE.slice(0, -1))
    const alerts = opened.flatMap((row) => row['tls.alert_message.desc'].split(',')).filter((alert) => alert !== '')
    expect(alerts).toEqual(['0', '0'])
    expect(
      tsharkSummary(octets, {
        ...options,
        filter: `tls.segment.data contains "${SECRET}" or data contains "${SECRET}"`,
      }).length,
    ).toBeGreaterThan(0)
    expect(tsharkSummary(octets, { decodeAs, filter: `frame contains "${SECRET}"` })).toEqual([])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
