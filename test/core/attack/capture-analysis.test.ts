import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AnalysisReport, FindingReport, StreamReport } from '../../../core/attack/analysis-report.js'
import { CaptureAnalysis } from '../../../core/attack/capture-analysis.js'
import { analyseFile } from '../../../core/attack/capture-file.js'
import { InputError } from '../../../core/base/errors.js'
import { latin1Octets } from '../../../core/base/octets.js'
import { copyGraph } from '../../../core/base/snapshot.js'
import { type CapturedPacket, CaptureReader } from '../../../core/net/wire/capture-reader.js'
import { encodeEthernet } from '../../../core/net/wire/ethernet.js'
import { encodeIpv4 } from '../../../core/net/wire/ipv4.js'
import { encodeIpv6, Ipv6Header } from '../../../core/net/wire/ipv6.js'
import { decodeCapturedTcp } from '../../../core/net/wire/link-layer.js'
import { PcapngWriter } from '../../../core/net/wire/pcapng.js'
import { encodeTcp, TCP_FLAG, TcpHeader } from '../../../core/net/wire/tcp.js'
import { readCapture, readTruth } from '../../support/captures.js'

const RAM = 'riscv_virt_board.ram'
const SERVER = 0x0a000002
const CLIENT = 0x0a000001

function packetsOf(name: string): CapturedPacket[] {
  const reader = new CaptureReader(readCapture(name))
  const packets: CapturedPacket[] = []
  for (let packet = reader.next(); packet !== null; packet = reader.next()) packets.push(packet)
  return packets
}

function feed(packets: readonly CapturedPacket[], analysis = new CaptureAnalysis()): CaptureAnalysis {
  for (const { octets, timeNs, number } of packets) analysis.addFrame(octets, timeNs, number)
  return analysis
}

function finished(packets: readonly CapturedPacket[]): AnalysisReport {
  const analysis = feed(packets)
  analysis.finish()
  return analysis.report()
}

const only = (report: AnalysisReport): StreamReport => {
  expect(report.streams).toHaveLength(1)
  return report.streams[0]!
}

const values = (findings: readonly FindingReport[]): string[] => findings.map(({ kind, value }) => `${kind} ${value}`)

/** A TCP connection that carries `texts`, the client first, then by turns. */
function conversation(texts: readonly string[], port = 80): Uint8Array {
  const writer = new PcapngWriter()
  const interfaceId = writer.addInterface('test')
  const next = [1000, 5000]
  let timeNs = 0
  const send = (sender: number, flags: number, text = ''): void => {
    const [source, destination] = sender === 0 ? [CLIENT, SERVER] : [SERVER, CLIENT]
    const header = Object.assign(new TcpHeader(), {
      sourcePort: sender === 0 ? 40000 : port,
      destinationPort: sender === 0 ? port : 40000,
      sequence: next[sender]!,
      acknowledgment: next[1 - sender]!,
      flags,
      window: 65535,
    })
    const payload = encodeTcp({ ...header, payload: latin1Octets(text) }, { source, destination })
    const packet = encodeIpv4({
      source,
      destination,
      protocol: 6,
      ttl: 64,
      dscpEcn: 0,
      identification: 0,
      dontFragment: true,
      moreFragments: false,
      fragmentOffset: 0,
      payload,
    })
    writer.addPacket(
      interfaceId,
      (timeNs += 1000),
      encodeEthernet({ destination: 1, source: 2, vlan: null, etherType: 0x0800, payload: packet }),
    )
    next[sender]! += text.length + ((flags & (TCP_FLAG.syn | TCP_FLAG.fin)) === 0 ? 0 : 1)
  }
  send(0, TCP_FLAG.syn)
  send(1, TCP_FLAG.syn | TCP_FLAG.ack)
  send(0, TCP_FLAG.ack)
  texts.forEach((text, index) => send(index % 2, TCP_FLAG.ack | TCP_FLAG.psh, text))
  send(0, TCP_FLAG.fin | TCP_FLAG.ack)
  send(1, TCP_FLAG.fin | TCP_FLAG.ack)
  return writer.take()
}

describe('captures of real migrations in clear', () => {
  it.each(['a_plain', 'a_login', 'a_xbzrle', 'a_postcopy', 'a_multifd'])(
    '%s: RAM as it was, every secret, no decoy',
    (name) => {
      const truth = readTruth(name)
      const { report } = analyseFile(readCapture(name))
      const stream = report.streams.find(({ protocol }) => protocol === 'qevm')!
      expect(report.kind).toBe('pcapng')
      expect(stream).toMatchObject({ complete: true, machine: 'virt', server: '10.0.0.2:4444' })
      const ram = stream.blocks.find((block) => block.name === RAM)
      expect(ram).toEqual({ name: RAM, octets: 8 << 20, pagesRecovered: 2048, sha256: truth.final_ram_sha256 })

      const places = new Map(stream.findings.map(({ value, addresses }) => [value, addresses.map(Number)]))
      for (const { kind, value, gpa } of truth.secrets) {
        // What was typed is recorded with the line before it.
        const isThere = (address: number): boolean =>
          gpa.some((start) => address >= Number(start) && address <= Number(start) + (kind === 'typed' ? 16 : 0))
        expect(places.get(value)?.some(isThere) ?? false, `${kind} ${value}`).toBe(kind !== 'decoy-card')
      }
      // Nothing else but the valid test numbers among the program's constants.
      const right = new Set([
        ...truth.secrets.map(({ value }) => value),
        ...Object.keys(truth.all_test_card_numbers_in_ram),
      ])
      expect(stream.findings.filter(({ value }) => !right.has(value))).toEqual([])
    },
  )

  it.each(['a_plain', 'a_login'])('%s: the pages of each round', (name) => {
    const truth = readTruth(name).rounds.filter(({ sent }) => Object.keys(sent).length > 0)
    const { rounds } = only(analyseFile(readCapture(name)).report)
    expect(rounds).toEqual(
      truth.map(({ sent }) => ({ zero: sent['ZERO'] ?? 0, normal: sent['PAGE'] ?? 0, xbzrle: 0, inferred: true })),
    )
  })

  it('names the packets that carried a secret, all of them and no other', () => {
    const packets = packetsOf('a_plain')
    const { findings } = only(finished(packets))
    for (const { value, packets: evidence, atNs } of findings) {
      const carried = evidence.map((number) => String.fromCharCode(...packets[number - 1]!.octets)).join('')
      for (const word of value.split(/\s+/).filter((part) => part.length < 40))
        expect(carried).toContain(word.slice(0, 8))
      expect(packets[evidence.at(-1)! - 1]!.timeNs).toBe(atNs)
    }
    const password = findings.find(({ value }) => value === 'xenon-raven$8962')
    expect(password).toMatchObject({ kind: 'credential', name: 'root', address: '0x80040010', packets: [180] })
    expect(findings.find(({ kind }) => kind === 'private-key')?.packets).toEqual([191, 192])
  })
})

describe('a migration over IPv6', () => {
  it('is read as over IPv4, from and to the addresses it has there', () => {
    const packets = packetsOf('a_plain')
    const report = finished(packets)
    const rewrapped = packets.map((packet): CapturedPacket => {
      const captured = decodeCapturedTcp(packet.linkType, packet.octets)
      if (captured === null) return packet
      const { payloadStart, payloadEnd, source, destination } = captured.ip
      const header = Object.assign(new Ipv6Header(), {
        source: (0xfd00n << 112n) | BigInt(source),
        destination: (0xfd00n << 112n) | BigInt(destination),
        protocol: 6,
      })
      const payload = encodeIpv6({ ...header, payload: packet.octets.subarray(payloadStart, payloadEnd) })
      return {
        ...packet,
        octets: encodeEthernet({ destination: 1, source: 2, vlan: null, etherType: 0x86dd, payload }),
      }
    })
    const [stream] = finished(rewrapped).streams
    const [original] = report.streams
    expect(stream?.blocks).toEqual(original?.blocks)
    expect(values(stream?.findings ?? [])).toEqual(values(original?.findings ?? []))
    expect(stream?.server).toMatch(/^\[fd00::[0-9a-f:]+\]:4444$/)
  })
})

describe('captures of sealed migrations', () => {
  it('a_tls: version and cipher suite, no findings', () => {
    const { report, migrations } = analyseFile(readCapture('a_tls'))
    expect(migrations).toEqual([])
    expect(only(report)).toMatchObject({ protocol: 'tls', blocks: [], findings: [], octetsToServer: 1540387 })
    expect(only(report).seen[0]).toBe('TLS 1.3 with TLS_AES_256_GCM_SHA384')
  })

  it('a_ssh: versions and algorithms, no findings', () => {
    const stream = only(analyseFile(readCapture('a_ssh')).report)
    expect(stream).toMatchObject({ protocol: 'ssh', blocks: [], findings: [] })
    expect(stream.seen.join('\n')).toContain('SSH-2.0-OpenSSH_9.2p1')
    expect(stream.seen.join('\n')).toContain('chacha20-poly1305@openssh.com')
  })
})

describe('live', () => {
  const packets = packetsOf('a_login')

  it('knows while frames come what the report says at the end', () => {
    const analysis = new CaptureAnalysis()
    let found = 0
    let pages = 0
    for (const packet of packets) {
      feed([packet], analysis)
      if (packet.number % 50 !== 0) continue
      const progress = analysis.progress()
      expect(progress.findings.length).toBeGreaterThanOrEqual(found)
      expect(progress.pagesRecovered).toBeGreaterThanOrEqual(pages)
      found = progress.findings.length
      pages = progress.pagesRecovered
      for (const { packet: completed } of progress.findings) expect(completed).toBeLessThanOrEqual(packet.number)
    }
    analysis.finish()
    const { findings, pagesRecovered, octetsRecovered } = analysis.progress()
    const stream = only(analysis.report())
    expect(findings.map(({ kind, value }) => `${kind} ${value}`).sort()).toEqual(values(stream.findings).sort())
    expect(pagesRecovered).toBe(stream.blocks.reduce((sum, block) => sum + block.pagesRecovered, 0))
    expect(octetsRecovered).toBe(200 * 4096)
  })

  it('can be kept in the middle and go on, with the same report', () => {
    const whole = finished(packets)
    const first = feed(packets.slice(0, 400))
    const kept = copyGraph(first)
    feed(packets.slice(400, 900), first) // the kept one must not notice
    const resumed = feed(packets.slice(400), copyGraph(kept))
    resumed.finish()
    expect(resumed.report()).toEqual(whole)
  })

  it('takes repeated and overtaken frames as TCP does', () => {
    const whole = only(finished(packets))
    const mixed = packets.flatMap((packet, index) => {
      const other = packets[index % 2 === 0 ? index + 1 : index - 1] ?? packet
      return index > 20 && index < packets.length - 20 ? [other, packet] : [packet]
    })
    const stream = only(finished(mixed.map((packet, index) => ({ ...packet, number: index + 1 }))))
    expect(stream.blocks).toEqual(whole.blocks)
    expect(values(stream.findings)).toEqual(values(whole.findings))
  })

  it('keeps what came before a packet that is missing, and says so', () => {
    const missing = packets.find(({ number, octets }) => number > 700 && octets.length > 1000)
    const stream = only(finished(packets.filter((packet) => packet !== missing)))
    expect(stream.complete).toBe(false)
    expect(stream.seen.join('\n')).toContain('missing from the capture')
    expect(values(stream.findings)).toContain('credential lemon-basil!1268')
  })
})

describe('other files', () => {
  it('says what a file is that is no capture', () => {
    for (const [text, answer] of [
      ['', /empty/],
      ['dear diary,\n', /is text/],
      ['\xff\xd8\xff\xe0\0\x10JFIF', /JPEG/],
      ['\0\0\0\0\0\0\0\0', /no kind known/],
      ['\x0a\x0d\x0d\x0a\x1c\0\0\0', /not whole/],
    ] as const) {
      expect(() => analyseFile(latin1Octets(text))).toThrow(InputError)
      expect(() => analyseFile(latin1Octets(text))).toThrow(answer)
    }
  })

  it('describes other traffic, and finds nothing in it', () => {
    const http = only(
      analyseFile(conversation(['GET /a HTTP/1.1\r\nCookie: sid=0123456789abcdef\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n']))
        .report,
    )
    expect(http).toMatchObject({ protocol: 'http', complete: true, findings: [], client: '10.0.0.1:40000' })
    const other = analyseFile(conversation(['EHLO example.org\r\n', '250 hello\r\n'])).report
    expect(only(other)).toMatchObject({ protocol: 'unknown', findings: [] })
    expect(other.warnings).toEqual(['no migration in clear was seen'])
    expect(only(analyseFile(conversation(['MIDNACL1' + 'x'.repeat(48)])).report).protocol).toBe('nacl')
  })

  it('hears what two hosts of vMotion agree on, and reads on from there', () => {
    const said = (seals: number): string => `MIDVMOT1${String.fromCharCode(seals)}${'r'.repeat(32)}`
    const clear = only(analyseFile(conversation([said(0), said(0), 'QEVM\0\0\0\x03\x55\x55\x55\x55'])).report)
    expect(clear.protocol).toBe('qevm')
    expect(clear.seen.join()).toContain('0x55 does not open an item')
    expect(clear.seen.join()).toContain('the source says that it cannot seal')
    expect(clear.seen.join()).toContain('the destination chose to go in clear')
    const hello = `MIDRECS1\x04\x01\0${'r'.repeat(32)}`
    const sealed = only(analyseFile(conversation([said(1), said(1), hello, hello])).report)
    expect(sealed.protocol).toBe('records')
    expect(sealed.seen.join()).toContain('the destination chose to go sealed')
    expect(sealed.seen.join()).toContain('aes-256-gcm, 256 secret bits')
    const strange = only(analyseFile(conversation([said(9), said(1)])).report)
    expect(strange.seen.join()).toContain('an offer that makes no sense')
  })

  it('says that a capture holds no packets, or no TCP', () => {
    const writer = new PcapngWriter()
    const interfaceId = writer.addInterface('test')
    const head = writer.take()
    expect(analyseFile(head).report.warnings).toEqual(['the capture holds no packets'])
    writer.addPacket(
      interfaceId,
      0,
      Uint8Array.from({ length: 42 }, (_, at) => (at === 12 ? 8 : at === 13 ? 6 : 0)),
    )
    const arp = new Uint8Array([...head, ...writer.take()])
    expect(analyseFile(arp).report.warnings.join()).toContain('no TCP over IPv4 among the 1 packets')
  })

  it('refuses a stream that makes no sense after its magic, in words', () => {
    const stream = only(analyseFile(latin1Octets('QEVM\0\0\0\x03\x55\x55\x55\x55')).report)
    expect(stream).toMatchObject({ protocol: 'qevm', complete: false, findings: [] })
    expect(stream.seen.join()).toContain('0x55 does not open an item')
  })
})

describe('damage', () => {
  const capture = readCapture('a_plain')
  /** The opening, the lists of blocks, zero pages and the first pages with content. */
  const start = capture.subarray(0, 230_000)

  const reads = (octets: Uint8Array): void => {
    try {
      expect(analyseFile(octets).report.streams.length).toBeLessThan(100)
    } catch (error) {
      expect(error).toBeInstanceOf(InputError)
    }
  }

  it('gives what there is of a capture that is cut anywhere', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: start.length }), (length) => reads(start.subarray(0, length))),
      { numRuns: 10 },
    )
    const { report } = analyseFile(capture.subarray(0, 700_000))
    expect(only(report)).toMatchObject({ protocol: 'qevm', complete: false })
    expect(report.warnings.join()).toContain('the capture is cut')
    expect(values(only(report).findings)).toContain('credential lemon-basil!1268')
  })

  it('reads captures with octets changed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: start.length - 1 }), fc.integer({ min: 1, max: 255 })), {
          minLength: 1,
          maxLength: 200,
        }),
        (changes) => {
          const changed = start.slice()
          for (const [at, difference] of changes) changed[at]! ^= difference
          reads(changed)
        },
      ),
      { numRuns: 10 },
    )
  })
})
