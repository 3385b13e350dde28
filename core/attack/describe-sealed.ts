/** What a watcher can say of a sealed connection: everything that crosses before the keys are agreed, and sizes. */
import { describeSshOpening, type SshKexInit, SshReader } from '../secure/wire/ssh-messages.js'
import { failureOf } from '../base/errors.js'
import { decodeHello, HELLO_OCTETS } from '../secure/wire/records.js'
import { describeTlsOpening } from '../secure/wire/tls-records.js'

/** Sentences, from the first octets of both directions. */
export function describeTls(toServer: Uint8Array, toClient: Uint8Array): string[] {
  const opening = describeTlsOpening(toServer, toClient)
  if (opening === null) return ['TLS, but its opening was not captured whole']
  const { clientHello, serverHello } = opening
  const sentences: string[] = []
  if (serverHello !== null) sentences.push(`${serverHello.version} with ${serverHello.cipherSuite}`)
  else if (clientHello !== null)
    sentences.push(`the client offered ${clientHello.versions.join(', ')}; no answer was seen`)
  if (clientHello !== null) {
    const name = clientHello.serverName
    sentences.push(name === null ? 'the client named no host (no SNI)' : `the client asked for the host ${name} (SNI)`)
    if (clientHello.applicationProtocols.length > 0)
      sentences.push(`application protocols offered: ${clientHello.applicationProtocols.join(', ')}`)
  }
  sentences.push('what is inside cannot be read; sizes and times can')
  return sentences
}

/** A record channel says which cipher it is, and how many bits of its key are secret. */
export function describeRecords(toServer: Uint8Array): string[] {
  if (toServer.length < HELLO_OCTETS) return ['record channel, but its opening was not captured whole']
  try {
    const { name, secretKeyBits } = decodeHello(toServer)
    return [
      `record channel ${name}, ${secretKeyBits} secret bits in its key; what is inside is sealed, as well as that seals`,
    ]
  } catch (error) {
    return [`record channel, but its hello is damaged: ${failureOf(error).message}`]
  }
}

/** The first of the client's that the server has too (RFC 4253 section 7.1). */
const agreed = (client: readonly string[], server: readonly string[]): string =>
  client.find((name) => server.includes(name)) ?? 'none in common'

/** Ciphers that authenticate themselves: the agreed MAC is not used with them. */
const isAead = (cipher: string): boolean => /gcm|poly1305/.test(cipher)

export function describeSsh(toServer: Uint8Array, toClient: Uint8Array): string[] {
  const client = describeSshOpening(toServer)
  const server = describeSshOpening(toClient)
  const sentences: string[] = []
  if (client !== null) sentences.push(`client ${client.version}`)
  if (server !== null) sentences.push(`server ${server.version}`)
  if (client?.kexInit && server?.kexInit) sentences.push(...algorithms(client.kexInit, server.kexInit))
  const hostKey = server?.hostKeyBlob
  if (hostKey) sentences.push(`host key of type ${new SshReader(hostKey).text('key type')}, in clear`)
  if (typeof client?.sealedOffset === 'number' || typeof server?.sealedOffset === 'number')
    sentences.push('sealed from SSH_MSG_NEWKEYS on: what is inside cannot be read; sizes and times can')
  return sentences.length > 0 ? sentences : ['SSH, but its opening was not captured whole']
}

function algorithms(client: SshKexInit, server: SshKexInit): string[] {
  const cipher = agreed(client.encryptionClientToServer, server.encryptionClientToServer)
  const mac = agreed(client.macClientToServer, server.macClientToServer)
  const kex = agreed(client.kexAlgorithms, server.kexAlgorithms)
  const key = agreed(client.serverHostKeyAlgorithms, server.serverHostKeyAlgorithms)
  return [`key exchange ${kex}, host key ${key}`, `cipher ${cipher}${isAead(cipher) ? '' : `, MAC ${mac}`}`]
}
