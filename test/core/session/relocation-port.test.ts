/** The port behind which the vulnerable receiver reads, as its peers on the network find it. */
import { describe, expect, it } from 'vitest'
import { readGuestImage } from '../../../cli/guest-images.js'
import type { ConfigurationName } from '../../../core/attack/catalogue/configurations.js'
import { restoreSeeds } from '../../../core/attack/fuzz/restore-seeds.js'
import type { ByteStream } from '../../../core/base/byte-stream.js'
import { concatOctets, latin1Octets, latin1Text } from '../../../core/base/octets.js'
import { milliseconds, seconds } from '../../../core/base/units.js'
import type { Host } from '../../../core/hypervisor/host.js'
import { encodeOpening, RELOCATION_PORT } from '../../../core/hypervisor/wire/restore-stream.js'
import { TlsClientChannel } from '../../../core/secure/tls-channel.js'
import { RAM_BLOCK } from '../../../core/machine/machine.js'
import { bootedSession, migrateToEnd } from '../../support/lab-session.js'
import { ReceiverLab } from '../../../core/session/attacker/drills/receiver-lab.js'

const labOf = (configuration: ConfigurationName): ReceiverLab =>
  new ReceiverLab({ configuration, seed: 'port', image: readGuestImage })

/** Says all it has as soon as it can, and keeps what it hears. */
class Peer {
  heard = ''
  isOver = false

  constructor(private words: Uint8Array) {}

  streamOpened(stream: ByteStream): void {
    const length = Math.min(this.words.length, stream.writableOctets())
    if (length > 0) stream.write(this.words.subarray(0, length))
    this.words = this.words.subarray(length)
  }
  streamWritable(stream: ByteStream): void {
    this.streamOpened(stream)
  }
  streamReadable(stream: ByteStream): void {
    while (stream.readableOctets() > 0) this.heard += latin1Text(stream.read(4096))
  }
  streamEnded(stream: ByteStream): void {
    this.isOver = true
    stream.end()
  }
  streamFailed(): void {
    this.isOver = true
  }
}

function say(lab: ReceiverLab, words: Uint8Array): Peer {
  const peer = new Peer(words)
  lab.session.world.rack.client.tcp.connect(lab.session.world.rack.hostB.stack.address, RELOCATION_PORT).owner = peer
  lab.session.runFor(seconds(1))
  return peer
}

/** What became of each process. */
const events = (lab: ReceiverLab): readonly string[] =>
  lab.rows('receiver-run').flatMap(({ event }) => (event === 'reserved' ? [] : [event]))

describe('the port for migrations', () => {
  it('keeps memory for a guest from its opening on, and gives it back', () => {
    const lab = labOf('receive-deadline')
    const host = lab.session.world.hosts[1] as Host
    const before = host.freeRamOctets()
    say(lab, concatOctets([latin1Octets('(receive)'), encodeOpening(latin1Octets('half'), 512)]))
    expect(host.freeRamOctets()).toBe(before - 512 * 4096)
    lab.session.runFor(seconds(4))
    expect(host.freeRamOctets()).toBe(before)
    expect(lab.rows('receiver-run').at(-1)?.detail).toBe('not all there after 4 s')
  })

  it('refuses a guest for which there is no memory', () => {
    const lab = labOf('vulnerable')
    const [, host] = lab.session.world.hosts
    host?.reserve('another', host.freeRamOctets() - 4096)
    const { isOver } = say(lab, concatOctets([latin1Octets('(receive)'), encodeOpening(latin1Octets('half'), 2)]))
    expect(isOver).toBe(true)
    expect(lab.rows('receiver-run').at(-1)?.detail).toBe('host-b has 4096 octets of memory free, half needs 8192')
  })

  it.each(restoreSeeds.map((stream, index) => [index, stream] as const))('takes migration %i', (_index, stream) => {
    const lab = labOf('all-fixes')
    const { heard, isOver } = say(lab, concatOctets([latin1Octets('(receive)'), stream]))
    expect(heard).toMatch(/^\(ready receive\)/)
    expect(isOver).toBe(true)
    expect(events(lab)[0]).toBe('loaded')
  })

  it('refuses what is no request, and what is no stream', () => {
    const lab = labOf('vulnerable')
    expect(say(lab, latin1Octets('GET / HTTP/1.1\r\n')).isOver).toBe(true)
    expect(say(lab, latin1Octets('(receive)GET / HTTP/1.1\r\n')).heard).toBe('(ready receive)')
    expect(events(lab)).toEqual(['refused', 'refused'])
  })

  it('takes no more of a stream than it has room for', () => {
    const lab = labOf('vulnerable')
    // A stream that says "verify" again and again.
    const beginning = concatOctets([latin1Octets('(receive)'), restoreSeeds[0]!.subarray(0, 29)])
    const peer = say(lab, concatOctets([beginning, new Uint8Array(50_000).fill(0xff)]))
    expect([peer.isOver, events(lab)]).toEqual([false, []])
    expect(say(lab, concatOctets([beginning, new Uint8Array(80_000).fill(0xff)])).isOver).toBe(true)
    expect(events(lab)).toEqual(['refused'])
  })

  it('lets the one host in that it knows, when it is sealed', () => {
    const lab = labOf('sealed')
    lab.attacker('xensploit device-length host-b -tls host-a')
    const [refused, ...more] = lab.rows('receiver-run')
    expect(refused).toMatchObject({ event: 'refused', routine: 'channel' })
    expect(refused?.detail).toMatch(/is not an authority we trust/)
    expect(more).toEqual([])
    const { rack, hosts, kernel } = lab.session.world
    const [{ cores, name: hostName }] = hosts as [Host]
    const peer = new Peer(concatOctets([latin1Octets('(receive)'), restoreSeeds[0]!]))
    const lower = rack.hostA.stack.tcp.connect(rack.hostB.stack.address, RELOCATION_PORT)
    const identity = lab.authority.identityOf(hostName)
    const credentials = { serverName: 'host-b', trust: lab.authority.trust(), identity }
    const place = { lower, cores, hostName, random: kernel.random('peer') }
    new TlsClientChannel(kernel, { ...place, ...credentials }).owner = peer
    lab.session.runFor(seconds(1))
    expect(peer.heard).toBe('(ready receive)')
    expect(events(lab)).toEqual(['refused', 'loaded'])
  })

  it('has a process for each connection: one that crashed takes nothing along', () => {
    const lab = labOf('stack-canary')
    lab.attacker('xensploit batch host-b')
    lab.attacker('xensploit device-length host-b')
    expect(events(lab).filter((event) => event !== 'corrupted' && event !== 'shell')).toEqual(['crashed', 'taken-over'])
    expect(lab.rows('receiver-run').at(-1)?.connection).toBe(2)
  })
})

describe('xensploit', () => {
  it('says so where nothing receives, and asks for what it needs', () => {
    const lab = labOf('vulnerable')
    lab.attacker('xensploit batch client')
    expect(lab.rows('attack-stage')).toMatchObject([
      { stage: 'connect', text: expect.stringMatching(/^nothing receives/) as string },
    ])
    for (const line of [
      'xensploit',
      'xensploit batch',
      'xensploit nothing host-b',
      'xensploit batch host-b -p 0',
      'xensploit batch host-b -p 8002 -x',
    ])
      lab.attacker(line)
    expect(lab.rows('attack-stage').length).toBe(1)
  })

  it('takes over an xend that a guest runs on, which lets strangers in and migrations come as ever', () => {
    const session = bootedSession({ profile: 'xend' })
    session.do({ kind: 'place-attacker', position: 'access' })
    const type = (text: string): void => {
      session.do({ kind: 'type', console: 'attacker', text: `${text}\r` })
      session.runFor(seconds(0.1))
    }
    const { memory } = session.world.liveVm()!.memory.find(({ name }) => name === RAM_BLOCK)!
    const texts = Array.from({ length: memory.pageCount }, (_, index) => latin1Text(memory.page(index)))
    const { value } = session.planted.find(
      (secret) => /^[ -~]{8,}$/.test(secret.value) && texts.some((text) => text.includes(secret.value)),
    )!
    const page = texts.findIndex((text) => text.includes(value))
    session.do({ kind: 'type', console: 'attacker', text: 'xensploit device-index host-a\r' })
    session.runFor(milliseconds(0.5))
    // While a stream is half there, too.
    expect(session.fork().nowNs).toBe(session.nowNs)
    type(`xensploit free-list host-a -page ${page}`)
    type('xensploit batch host-a -page 999999')
    const read = session.trace.rows('attack-stage').filter(({ stage }) => stage === 'read')
    expect(read.map(({ text }) => text)).toContainEqual(expect.stringContaining(value))
    expect(read.at(-1)?.text).toMatch(/has no page 999999$/)
    migrateToEnd(session)
    expect(session.world.lastRun()).toMatchObject({ status: 'completed', destination: 'host-b' })
  })
})
