import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../../../core/base/errors.js'
import {
  decodeClientHello,
  decodeServerHello,
  decodeTlsRecordHeader,
  describeTlsOpening,
} from '../../../../core/secure/wire/tls-records.js'

const octetsOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'))

/** The first record of each direction between two QEMU 7.2 processes migrating with TLS (GnuTLS 3.7). */
const clientHello = octetsOf(
  'FgMBAXABAAFsAwNzea+lRBFwzcWj3TpPJJxuBmJ0b5MiWH5k+eAYmiLEZyCTXbtuX/ihXCYTcfiQtptcoU/1HNXkpM3UXf6/yBHh' +
    'PAA6EwITAxMBEwTALMypwK3ACsArwKzACcAwzKjAFMAvwBMAncCdADUAnMCcAC8An8yqwJ8AOQCewJ4AMwEAAOkABQAFAQAAAAAA' +
    'CgAWABQAFwAYABkAHQAeAQABAQECAQMBBAALAAIBAAANACIAIAQBCAkIBAQDCAcFAQgKCAUFAwgIBgEICwgGBgMCAQIDABYAAAAX' +
    'AAAAIwAAADMAawBpABcAQQTUikacE9pmkamGP98tojEQr5yRkM+4U7XklIFe8G5qg4naoyLRPACuZBNpPd8h7y/ls2bERkU5CfI+' +
    'Xz04DkuYAB0AILbB68TSJZlatIyFN3Rlyw+BrNFJwyXBjKin7nGfullOACsACQgDBAMDAwIDAf8BAAEAAC0AAwIBAAAcAAJAAQ==',
)
const serverHello = octetsOf(
  'FgMDAJsCAACXAwPcDwDO8xUmOPQhVCOUqf5LtgtqqZkiS0qDHddf/2H/9yCTXbtuX/ihXCYTcfiQtptcoU/1HNXkpM3UXf6/yBHh' +
    'PBMCAABPADMARQAXAEEErPn5YqvlIAoc9TUmQ4m3EwDxPewsp+K2jMnDv8yL3RqdGZuVFYD4am/9gJVNwVFqSOSgp++k1u1+pga9' +
    'tc8qkgArAAIDBA==',
)
const applicationData = (length: number): Uint8Array =>
  Uint8Array.from([23, 3, 3, length >> 8, length & 255, ...new Uint8Array(length)])
const nothing = new Uint8Array(0)

/** A ClientHello with one extension: the host it asks for. */
function helloTo(host: string): Uint8Array {
  const name = [...Buffer.from(host)]
  const list = [0, 0, name.length, ...name]
  const extension = [0, 0, 0, list.length + 2, 0, list.length, ...list]
  const body = [3, 3, ...new Uint8Array(32), 0, 0, 2, 0x13, 0x01, 1, 0, 0, extension.length, ...extension]
  return Uint8Array.from([22, 3, 1, 0, body.length + 4, 1, 0, 0, body.length, ...body])
}

describe('TLS records', () => {
  it('have headers of type, version and length', () => {
    expect(decodeTlsRecordHeader(clientHello)).toEqual({ type: 'handshake', version: 'TLS 1.0', length: 368 })
    for (const header of [
      [99, 3, 3, 0, 1],
      [22, 2, 0, 0, 1],
      [22, 3, 3, 0xff, 0xff],
      [22, 3],
    ])
      expect(() => decodeTlsRecordHeader(Uint8Array.from(header))).toThrow(WireError)
  })

  it('show what a real client offers and a real server takes', () => {
    const opening = describeTlsOpening(
      Uint8Array.from([...clientHello, ...applicationData(100), ...applicationData(50)]),
      serverHello,
    )
    expect(opening).toMatchObject({
      clientHello: { versions: ['TLS 1.3', 'TLS 1.2', 'TLS 1.1', 'TLS 1.0'], serverName: null },
      serverHello: { version: 'TLS 1.3', cipherSuite: 'TLS_AES_256_GCM_SHA384', isRetryRequest: false },
      client: { records: 3, applicationOctets: 150, isWhole: true },
      server: { records: 1, applicationOctets: 0, isWhole: true },
    })
    expect(opening?.clientHello?.cipherSuites).toHaveLength(29)
  })

  it('show the host a client asks for', () => {
    expect(describeTlsOpening(helloTo('b.example'), nothing)?.clientHello).toEqual({
      versions: ['TLS 1.2'],
      cipherSuites: ['TLS_AES_128_GCM_SHA256'],
      serverName: 'b.example',
      applicationProtocols: [],
    })
  })

  it('are told from other streams', () => {
    expect(describeTlsOpening(Uint8Array.from(Buffer.from('SSH-2.0-x\r\n')), nothing)).toBeNull()
    expect(describeTlsOpening(nothing, nothing)).toBeNull()
    expect(describeTlsOpening(applicationData(10), serverHello)).toBeNull()
  })

  it('put a hello together from several records, and say when the last one is cut', () => {
    const message = clientHello.subarray(5)
    const split = [message.subarray(0, 100), message.subarray(100)].flatMap((part) => [
      ...[22, 3, 1, part.length >> 8, part.length & 255],
      ...part,
    ])
    expect(describeTlsOpening(Uint8Array.from(split), nothing)?.clientHello?.versions[0]).toBe('TLS 1.3')
    const cut = Uint8Array.from([...clientHello, ...applicationData(100).subarray(0, 50)])
    expect(describeTlsOpening(cut, nothing)?.client).toEqual({ records: 1, applicationOctets: 0, isWhole: false })
  })

  it('of any octets give an answer or a reason', () => {
    const changed = fc.tuple(fc.nat(clientHello.length - 1), fc.nat(255)).map(([at, value]) => {
      const octets = clientHello.slice()
      octets[at] = value
      return octets
    })
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 600 }), changed), (octets) => {
        describeTlsOpening(octets, octets)
        for (const decode of [decodeClientHello, decodeServerHello, decodeTlsRecordHeader])
          try {
            decode(octets)
            decode(octets.subarray(5))
          } catch (error) {
            expect(error).toBeInstanceOf(WireError)
          }
      }),
      { numRuns: 500 },
    )
  })
})
