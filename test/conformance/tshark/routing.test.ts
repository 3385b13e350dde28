import { describe, expect, it } from 'vitest'
import { seconds } from '../../../core/base/units.js'
import { RipRouter } from '../../../core/net/rip/rip-router.js'
import { Traceroute } from '../../../core/net/traceroute.js'
import { parseIp, parseIpv6 } from '../../../core/net/wire/addresses.js'
import { expectSameOctets, patternOctets, TestListener, TestOwner } from '../../support/network-fixture.js'
import { chain, RoutedNetwork, route } from '../../support/routed-network.js'
import { tsharkComplaints, tsharkFields } from '../../support/tshark.js'

const decodeAs = ['tcp.port==80,data', 'udp.port==9,data']
const silent = { echoReplied: () => undefined }

const capture = (net: RoutedNetwork, link: string): Uint8Array => net.tap(link).toPcapng()

describe('layer 3, as tshark sees it', () => {
  it('carries 4 MiB over IPv6 and two routers without a complaint', () => {
    const net = chain()
    const owner = new TestOwner()
    net.host('server').listen(80, new TestListener(owner))
    const sender = new TestOwner(patternOctets(4 * 1024 * 1024))
    sender.endsWhenSent = true
    owner.endsWhenPeerEnds = true
    net.host('client').connect(parseIp('fd03::2'), 80).owner = sender
    net.runFor(seconds(3))
    expectSameOctets(owner.receivedWhole(), patternOctets(4 * 1024 * 1024))
    const octets = capture(net, 'middle')
    expect(tsharkComplaints(octets, { decodeAs })).toEqual([])
    const fields = ['ipv6.hlim', 'tcp.checksum.status', 'tcp.options.mss_val'] as const
    const [syn, ...packets] = tsharkFields(octets, fields, { filter: 'tcp', decodeAs })
    expect(syn).toEqual({ 'ipv6.hlim': '63', 'tcp.checksum.status': '1', 'tcp.options.mss_val': '1440' })
    expect(packets.length).toBeGreaterThan(3000)
    expect(packets.every((packet) => packet['tcp.checksum.status'] === '1')).toBe(true)
  })

  it('reads neighbour discovery as we mean it', () => {
    const net = new RoutedNetwork()
    net.addHost('one', { addresses: [['fd00::1/64']], detectsDuplicates: true })
    net.addHost('two', { addresses: [['fd00::2/64']], forwards: true })
    net.joinAll('lan', ['one', 'two'])
    // The questions about duplicates were asked before the cable was plugged in: another address, to see one.
    net
      .host('one')
      .interface('eth0')
      .addAddress({ address: parseIpv6('fd00::11'), prefixLength: 64 })
    const discovery = net.host('two').interface('eth0').neighbours!
    const prefix = { prefix: parseIpv6('fd00::'), prefixLength: 64, isOnLink: true, isAutonomous: true }
    const prefixes = [{ ...prefix, validSeconds: 86_400, preferredSeconds: 14_400 }]
    discovery.advertisement = { hopLimit: 64, lifetimeSeconds: 1800, mtu: 1500, prefixes }
    net.runFor(seconds(2))
    net.host('one').interface('eth0').neighbours!.solicitRouters()
    const { icmp } = net.host('one')
    icmp.sendEcho(parseIp('fd00::2'), icmp.openEcho(silent), 1, patternOctets(56))
    discovery.announce(parseIpv6('fd00::2'))
    net.runFor(seconds(20))
    const octets = capture(net, 'lan')
    expect(tsharkComplaints(octets)).toEqual([])
    const read = (filter: string, ...fields: string[]) => tsharkFields(octets, fields, { filter })
    expect(read('icmpv6.type==135 && ipv6.src==::', 'ipv6.dst', 'icmpv6.nd.ns.target_address', 'eth.dst')[0]).toEqual({
      'ipv6.dst': 'ff02::1:ff00:11',
      'icmpv6.nd.ns.target_address': 'fd00::11',
      'eth.dst': '33:33:ff:00:00:11',
    })
    expect(
      read('icmpv6.nd.na.flag.s==1', 'icmpv6.nd.na.target_address', 'icmpv6.nd.na.flag.r', 'icmpv6.opt.linkaddr'),
    ).toContainEqual({
      'icmpv6.nd.na.target_address': 'fd00::2',
      'icmpv6.nd.na.flag.r': '1',
      'icmpv6.opt.linkaddr': '52:54:00:00:00:02',
    })
    expect(read('icmpv6.nd.na.flag.s==0', 'ipv6.dst', 'icmpv6.nd.na.flag.o')).toEqual([
      { 'ipv6.dst': 'ff02::1', 'icmpv6.nd.na.flag.o': '1' },
    ])
    expect(read('icmpv6.type==133', 'ipv6.dst', 'ipv6.hlim')).toEqual([{ 'ipv6.dst': 'ff02::2', 'ipv6.hlim': '255' }])
    expect(
      read('icmpv6.type==134', 'icmpv6.nd.ra.router_lifetime', 'icmpv6.opt.prefix', 'icmpv6.opt.mtu'),
    ).toContainEqual({
      'icmpv6.nd.ra.router_lifetime': '1800',
      'icmpv6.opt.prefix': 'fd00::',
      'icmpv6.opt.mtu': '1500',
    })
    expect(read('icmpv6.resp_to', 'icmpv6.echo.sequence_number')).toHaveLength(1)
  })

  it('puts our fragments together', () => {
    const net = chain({ middleMtu: 1300 })
    for (const server of ['10.0.3.2', 'fd03::2']) {
      net.host('server').udp.listen(server === 'fd03::2' ? 10 : 9, { datagramReceived: () => undefined })
      const { icmp } = net.host('client')
      icmp.sendEcho(parseIp(server), icmp.openEcho(silent), 1, patternOctets(8000))
      net.runFor(seconds(1))
      icmp.sendEcho(parseIp(server), icmp.openEcho(silent), 2, patternOctets(8000))
      net.runFor(seconds(1))
    }
    net.host('client').udp.send({
      sourcePort: 9,
      destination: parseIp('10.0.3.2'),
      destinationPort: 9,
      payload: patternOctets(65507),
    })
    net.runFor(seconds(1))
    for (const link of ['left', 'middle', 'right']) {
      const octets = capture(net, link)
      expect(tsharkComplaints(octets, { decodeAs })).toEqual([])
      const whole = tsharkFields(octets, ['data.len'], { filter: 'icmp.type==8 && ip.reassembled_in == 0', decodeAs })
      expect(whole).toEqual([])
      expect(tsharkFields(octets, ['data.len'], { filter: 'icmp.type==8', decodeAs })).toEqual(
        Array(2).fill({ 'data.len': '8000' }),
      )
      // The first one over IPv6 was too big for the middle, and told so.
      expect(tsharkFields(octets, ['data.len'], { filter: 'icmpv6.type==128 && data.len > 2000', decodeAs })).toEqual(
        Array(link === 'left' ? 2 : 1).fill({ 'data.len': '8000' }),
      )
      expect(
        tsharkFields(octets, ['udp.length', 'udp.checksum.status'], { filter: 'udp.port==9 && !icmp', decodeAs }),
      ).toEqual([{ 'udp.length': '65515', 'udp.checksum.status': '1' }])
    }
  })

  it('reads the errors of both families', () => {
    const net = chain({ middleMtu: 1300 })
    const { kernel } = net
    const client = net.host('client')
    const listener = { probeEnded: () => undefined, tracerouteFinished: () => undefined }
    for (const destination of ['10.0.3.2', 'fd03::2'])
      new Traceroute(kernel, client, listener, { destination: parseIp(destination), probesPerHop: 1 })
    net.runFor(seconds(5))
    const identifier = client.icmp.openEcho(silent)
    for (const destination of ['192.0.2.1', 'fd99::1', '10.0.3.77', 'fd03::77'])
      client.icmp.sendEcho(parseIp(destination), identifier, 1, patternOctets(56))
    for (const destination of ['10.0.3.2', 'fd03::2'])
      client.icmp.sendEcho(parseIp(destination), identifier, 1, patternOctets(1400), { dontFragment: true })
    net.runFor(seconds(5))
    net.host('one').ip.forwarding.inspector = { inspect: () => 'prohibit' }
    for (const destination of ['10.0.3.2', 'fd03::2'])
      client.icmp.sendEcho(parseIp(destination), identifier, 1, patternOctets(56))
    net.runFor(seconds(5))
    const octets = capture(net, 'left')
    expect(tsharkComplaints(octets)).toEqual([])
    // The quoted packet has fields of the same names, behind those of the error itself.
    const first = (packet: Record<string, string>): string =>
      Object.values(packet)
        .map((value) => value.split(',')[0])
        .join(' ')
        .trim()
    const errors = tsharkFields(octets, ['icmp.type', 'icmp.code', 'icmp.mtu'], {
      filter: 'icmp.type==3 || icmp.type==11',
    })
    expect(errors.map(first)).toEqual(['11 0', '11 0', '3 3', '3 0', '3 4 1300', '3 1', '3 13'])
    const errors6 = tsharkFields(octets, ['icmpv6.type', 'icmpv6.code', 'icmpv6.mtu'], { filter: 'icmpv6.type<128' })
    expect(errors6.map(first)).toEqual(['3 0', '3 0', '1 4', '1 0', '2 0 1300', '1 3', '1 1'])
  })

  it('reads redirects', () => {
    const net = new RoutedNetwork()
    net.addHost('host', { addresses: [['10.0.0.2/24', 'fd00::2/64']], gateway: parseIp('10.0.0.1') })
    net.addHost('wrong', { addresses: [['10.0.0.1/24', 'fd00::1/64']], forwards: true })
    net.addHost('right', {
      addresses: [
        ['10.0.0.3/24', 'fd00::3/64'],
        ['10.9.0.1/24', 'fd09::1/64'],
      ],
      forwards: true,
    })
    // Over IPv6 routers are known by their link-local addresses.
    net.host('host').addRoute({ address: 0n, prefixLength: 0, nextHop: parseIp('fe80::5054:ff:fe00:2') })
    route(net.host('wrong'), '10.9.0.0/24', '10.0.0.3')
    net
      .host('wrong')
      .addRoute({ address: parseIp('fd09::'), prefixLength: 64, nextHop: parseIp('fe80::5054:ff:fe00:3') })
    net.joinAll('lan', ['host', 'wrong', 'right'])
    const { icmp } = net.host('host')
    for (let times = 0; times < 2; times++)
      for (const destination of ['10.9.0.1', 'fd09::1']) {
        icmp.sendEcho(parseIp(destination), icmp.openEcho(silent), 1, patternOctets(56))
        net.runFor(seconds(1))
      }
    const octets = capture(net, 'lan')
    expect(tsharkComplaints(octets)).toEqual([])
    expect(tsharkFields(octets, ['icmp.redir_gw'], { filter: 'icmp.type==5' })).toEqual([
      { 'icmp.redir_gw': '10.0.0.3' },
    ])
    const fields = ['icmpv6.nd.rd.target_address', 'icmpv6.rd.na.destination_address'] as const
    expect(tsharkFields(octets, fields, { filter: 'icmpv6.type==137' })).toHaveLength(1)
  })

  it('reads RIP: requests, responses, poisoned routes, and digests', () => {
    for (const key of [undefined, { keyId: 7, octets: patternOctets(32) }]) {
      const net = new RoutedNetwork()
      const a = net.addHost('a', { addresses: [['10.0.12.1/24'], ['10.1.0.1/24']], forwards: true })
      const b = net.addHost('b', { addresses: [['10.0.12.2/24'], ['10.2.0.1/24']], forwards: true })
      net.joinAll('ab', ['a', 'b'])
      for (const router of [a, b]) new RipRouter(net.kernel, router, key === undefined ? {} : { key })
      net.runFor(seconds(100))
      b.interface('eth1').setUp(false)
      net.runFor(seconds(10))
      const octets = capture(net, 'ab')
      expect(tsharkComplaints(octets)).toEqual([])
      const read = (filter: string, ...fields: string[]) => tsharkFields(octets, fields, { filter })
      expect(read('rip.command==1 && ip.src==10.0.12.1', 'ip.dst', 'ip.ttl', 'rip.metric')[0]).toEqual({
        'ip.dst': '224.0.0.9',
        'ip.ttl': '1',
        'rip.metric': '16',
      })
      const updates = read('rip.command==2 && ip.src==10.0.12.2', 'rip.version', 'rip.ip', 'rip.netmask', 'rip.metric')
      // What came from there is poisoned on its way back, and so is what is gone.
      expect(updates).toContainEqual({
        'rip.version': '2',
        'rip.ip': '10.1.0.0,10.2.0.0',
        'rip.netmask': '255.255.255.0,255.255.255.0',
        'rip.metric': '16,1',
      })
      expect(updates).toContainEqual(expect.objectContaining({ 'rip.ip': '10.2.0.0', 'rip.metric': '16' }))
      expect(read('rip.auth.type == 3', 'rip.key_id').length > 0).toBe(key !== undefined)
    }
  })
})
