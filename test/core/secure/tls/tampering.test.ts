/** Somebody in between who changes the handshake, even one who holds its keys: it is noticed, and the reason is said. */
import { describe, expect, it } from 'vitest'
import { AuthenticationError, WireError } from '../../../../core/base/errors.js'
import { octetsOfHex } from '../../../../core/base/octets.js'
import { copyGraph } from '../../../../core/base/snapshot.js'
import type { ChannelEffects } from '../../../../core/secure/channel.js'
import type { TlsConnection } from '../../../../core/secure/tls/connection.js'
import { openRecord, sealRecord, trafficKeys, type TrafficKeys } from '../../../../core/secure/tls/record-protection.js'
import { protocolPair, takeEffects, takeMessages } from '../../../support/channel-protocols.js'

type NamedMessage = ChannelEffects['messages'][number]

const tlsPair = () => protocolPair('tls') as unknown as readonly [TlsConnection, TlsConnection]

function flipped(octets: Uint8Array, at: number, bit = at % 8): Uint8Array {
  const changed = octets.slice()
  changed[at] = (changed[at] as number) ^ (1 << bit)
  return changed
}

/** Why the protocol refused those pieces, or null. */
function refusalOf(protocol: TlsConnection, pieces: readonly Uint8Array[]): string | null {
  try {
    for (const piece of pieces) protocol.receive(piece)
    return null
  } catch (error) {
    if (!(error instanceof WireError || error instanceof AuthenticationError)) throw error
    const { messages, opened } = takeEffects(protocol)
    expect(opened).toBe(false)
    expect(messages.at(-1)?.name).toMatch(/^Alert /)
    return error.message
  }
}

/** From the handshake's key log. */
function keysOf({ keyLog, cipherSuite }: TlsConnection, label: string): TrafficKeys {
  const line = keyLog.find((each) => each.startsWith(`${label} `)) ?? ''
  return trafficKeys(cipherSuite!, octetsOfHex(line.split(' ')[2]!))
}

/** Client and server before the client gets the server's flight, and that. */
function serverFlight() {
  const [client, server] = tlsPair()
  client.start()
  server.start()
  for (const octets of takeMessages(client)) server.receive(octets)
  return { client, server, messages: takeEffects(server).messages }
}

/** The same, and the client's flight, which the server has not got. */
function clientFlight() {
  const { client, server, messages } = serverFlight()
  for (const { octets } of messages) client.receive(octets)
  return { client, server, messages: takeEffects(client).messages }
}

/** `messages` with the octet at `at` of the message `name` changed, under its own keys. */
function withChange(messages: readonly NamedMessage[], keys: TrafficKeys, name: string, at: number): Uint8Array[] {
  const seal = { ...keys }
  return messages.map((message) => {
    if (message.octets[0] !== 23) return message.octets
    const { contentType, content } = openRecord(keys, message.octets)!
    return sealRecord(seal, contentType, message.name === name ? flipped(content, at) : content)
  })
}

describe('a changed handshake', () => {
  it('is refused wherever its ClientHello is changed', () => {
    const [client, server] = tlsPair()
    client.start()
    const [hello] = takeMessages(client) as [Uint8Array]
    for (let at = 0; at < hello.length; at++) {
      if (at === 2) continue // the record's version means nothing (RFC 8446 section 5.1)
      const [ownClient, ownServer] = [copyGraph(client), copyGraph(server)]
      const reason = refusalOf(ownServer, [flipped(hello, at)])
      // Either it makes no sense, or the client sees another handshake than the server.
      const answers = takeMessages(ownServer)
      if (reason === null) expect(answers.length === 0 || refusalOf(ownClient, answers), `octet ${at}`).toBeTruthy()
    }
  })

  it('is refused wherever its ServerHello is changed', () => {
    const { client, messages } = serverFlight()
    const [hello, ...others] = messages.map(({ octets }) => octets) as [Uint8Array, ...Uint8Array[]]
    for (let at = 0; at < hello.length; at++) {
      if (at === 2) continue
      const reason = refusalOf(copyGraph(client), [flipped(hello, at), ...others])
      // A longer length swallows what follows, and then waits.
      if (at !== 3 && at !== 4) expect(reason, `octet ${at}`).not.toBeNull()
    }
  })

  it.each(['EncryptedExtensions', 'CertificateRequest', 'Certificate', 'CertificateVerify', 'Finished'])(
    "is refused wherever the server's %s is changed under its own keys",
    (name) => {
      const { client, server, messages } = serverFlight()
      const length = messages.find((message) => message.name === name)!.octets.length - 22
      for (let at = 0; at < length; at += length > 100 ? 7 : 1) {
        const changed = withChange(messages, keysOf(server, 'SERVER_HANDSHAKE_TRAFFIC_SECRET'), name, at)
        const reason = refusalOf(copyGraph(client), changed)
        if (at > 3) expect(reason, `octet ${at}`).not.toBeNull()
      }
    },
  )

  it.each(['Certificate', 'CertificateVerify', 'Finished'])(
    "is refused wherever the client's %s is changed under its own keys",
    (name) => {
      const { client, server, messages } = clientFlight()
      const length = messages.find((message) => message.name === name)!.octets.length - 22
      for (let at = 0; at < length; at += length > 100 ? 7 : 1) {
        const changed = withChange(messages, keysOf(client, 'CLIENT_HANDSHAKE_TRAFFIC_SECRET'), name, at)
        const reason = refusalOf(copyGraph(server), changed)
        if (at > 3) expect(reason, `octet ${at}`).not.toBeNull()
      }
    },
  )

  it('is refused when messages are left out, come twice or in another order', () => {
    const { client, server, messages } = serverFlight()
    const sealed = messages.filter(({ octets }) => octets[0] === 23)
    const clear = messages.filter(({ octets }) => octets[0] !== 23).map(({ octets }) => octets)
    const keys = keysOf(server, 'SERVER_HANDSHAKE_TRAFFIC_SECRET')
    const contents = sealed.map(({ octets }) => openRecord(keys, octets)!.content)
    const give = (order: readonly number[]): string | null => {
      const own = keysOf(server, 'SERVER_HANDSHAKE_TRAFFIC_SECRET')
      const records = order.map((index) => sealRecord(own, 22, contents[index]!))
      return refusalOf(copyGraph(client), [...clear, ...records])
    }
    expect(give([0, 1, 2, 3, 4])).toBeNull()
    // EncryptedExtensions, CertificateRequest, Certificate, CertificateVerify, Finished
    expect(give([0, 2, 3, 4])).toContain('did not prove to hold the key')
    expect(give([0, 4])).toContain('Finished where Certificate belongs')
    expect(give([0, 1, 2, 4])).toContain('Finished where CertificateVerify belongs')
    expect(give([0, 1, 1])).toContain('CertificateRequest where Certificate belongs')
    expect(give([1])).toContain('CertificateRequest where EncryptedExtensions belongs')
    expect(give([0, 1, 3])).toContain('CertificateVerify where Certificate belongs')
  })
})
