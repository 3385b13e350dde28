import { milliseconds, type Nanos } from '../base/units.js'

/** Length of a bin of the table `link-traffic`. */
export const TRAFFIC_BIN_NS: Nanos = milliseconds(1)

/**
 * Everything a trace can say, in one place. A row has the time it was written and the columns named here. Charts, checks
 * and reports are folds over these tables; a value is a number or a text as its column says. Times in columns are
 * nanoseconds of virtual time, sizes are octets unless the name says pages.
 */
export const traceTables = {
  /** A VM came to a state on a host: one of `RunState` (core/hypervisor), QEMU's words. */
  'vm-state': { vm: 'text', host: 'text', state: 'text' },
  /** A migration came to a status (QEMU's words), with its cause when it failed. */
  'migration-status': {
    migration: 'number',
    vm: 'text',
    source: 'text',
    destination: 'text',
    status: 'text',
    cause: 'text',
  },
  /** A guest lives at its destination now and stands still there: it did before, or whoever moved it wants it so. */
  'migration-arrived-paused': { migration: 'number', vm: 'text', host: 'text' },
  /** What was chosen for a migration, when it started. */
  'migration-start': {
    migration: 'number',
    strategy: 'text',
    channel: 'text',
    downtimeLimitNs: 'number',
    maxBandwidth: 'number',
    roundsMin: 'number',
    roundsMax: 'number',
    stopRule: 'text',
    linkBps: 'number',
    ramOctets: 'number',
  },
  /**
   * A round of pages was written to the stream, whose `octets` they are; the last one holds the devices too. It ends when
   * the stream has taken all of it: what TCP then still buffers crosses during the next round, or, after the last, before
   * the destination confirms. `xbzrlePages` were sent as differences, or not at all because there was none.
   * `dirtiedPages` were found dirty when it ended.
   */
  'migration-round': {
    migration: 'number',
    round: 'number',
    zeroPages: 'number',
    normalPages: 'number',
    xbzrlePages: 'number',
    octets: 'number',
    startNs: 'number',
    endNs: 'number',
    dirtiedPages: 'number',
    paused: 'number',
  },
  /**
   * A page was written whole to the main stream, where its octets begin at `octet`; `content` is equal for pages of equal octets,
   * and 0 for zeros (core/base/page-digest.ts).
   */
  'page-sent': { migration: 'number', octet: 'number', content: 'number' },
  /**
   * A running guest is stopped for the last round: what was left, the bandwidth (octets a second) that was measured, and
   * whether it is `forced` (1): the rounds were used up before what was left fitted the downtime limit.
   */
  'migration-switchover': { migration: 'number', pendingOctets: 'number', bandwidth: 'number', forced: 'number' },
  /**
   * The vCPU is kept from running for `percent` of its time from now on (0: no more), because the guest dirtied so much in a
   * period in which so much was sent. The rule is `auto-converge` or `dirty-limit`.
   */
  'migration-throttle': {
    migration: 'number',
    vm: 'text',
    rule: 'text',
    percent: 'number',
    dirtiedOctets: 'number',
    sentOctets: 'number',
  },
  /**
   * A page that the guest needed after a switch to post-copy: when it was asked for and came, and how long the virtual CPU
   * stood still for it (0 when only the network device waited).
   */
  'migration-fault': {
    migration: 'number',
    block: 'text',
    page: 'number',
    askedNs: 'number',
    arrivedNs: 'number',
    blockedNs: 'number',
  },
  /**
   * A post-copy came to its end: what followed the guest (octets of the stream from the switch on, which began at `startNs`),
   * how many of its pages the guest asked for, and how long it stood still for them in all.
   */
  'migration-postcopy': {
    migration: 'number',
    zeroPages: 'number',
    normalPages: 'number',
    octets: 'number',
    startNs: 'number',
    endNs: 'number',
    requests: 'number',
    blockedNs: 'number',
  },
  /** Pages that were at the source alone when it was given up after a switch to post-copy: the guest is lost. */
  'migration-loss': { migration: 'number', vm: 'text', host: 'text', pagesLost: 'number' },
  /** The destination refused what it got, and why. */
  'migration-refused': { migration: 'number', host: 'text', protocol: 'text', cause: 'text' },
  /** Source and destination were compared at switch-over; counts of octets that differ. */
  'migration-compare': {
    migration: 'number',
    ramDifferences: 'number',
    deviceDifferences: 'number',
    diskDifferences: 'number',
  },
  /** Chunks of 1 MiB of the guest's disk were sent: all of it before its memory, or what was left when it stood still. */
  'migration-disk': {
    migration: 'number',
    device: 'text',
    chunks: 'number',
    zeroChunks: 'number',
    octets: 'number',
    startNs: 'number',
    endNs: 'number',
    paused: 'number',
  },
  /** A channel's handshake and life: message names as the standard's, `octets` as sent. */
  'channel-message': { channel: 'text', sender: 'text', name: 'text', octets: 'number' },
  /** A host has ended a shaped stream: octets of payload, and cells of `cellOctets` in which they went, those of filler among them. */
  shaping: { host: 'text', payloadOctets: 'number', cells: 'number', fillerCells: 'number', cellOctets: 'number' },
  /** A channel that seals where both hosts can agreed on clear text, as `host` believes. */
  'channel-clear': { channel: 'text', host: 'text' },
  /**
   * A host refused a packet that came for it, or was about to leave, and why; the `count`th for that reason. A row at every
   * power of two, so that a flood fills no trace.
   */
  'packet-refused': { host: 'text', protocol: 'text', reason: 'text', count: 'number' },
  /** Octets a link carried in a bin of `TRAFFIC_BIN_NS` that began at `binNs`, both directions together. */
  'link-traffic': {
    link: 'text',
    binNs: 'number',
    migrationOctets: 'number',
    probeOctets: 'number',
    otherOctets: 'number',
  },
  /** A person changed what a cable does to frames: the condition by its name, in nanoseconds, octets or a fraction. */
  'link-condition': { link: 'text', condition: 'text', value: 'number' },
  /** A cable was `cut` or `restored`. */
  'link-state': { link: 'text', state: 'text' },
  /** A person switched a defence of a switch on (1) or off. */
  'switch-defence': { device: 'text', defence: 'text', isOn: 'number' },
  /** A person switched a defence of a host on (1) or off. */
  'host-defence': { host: 'text', defence: 'text', isOn: 'number' },
  /** Somebody who looks at the frames of a host's cable found a sign of an intruder. */
  'intruder-sign': { host: 'text', sign: 'text', text: 'text' },
  /** A client asked and was answered (or not: lost is 1). */
  probe: { client: 'text', sequence: 'number', sentNs: 'number', replyNs: 'number', lost: 'number' },
  /** A switch learned where an address is, or that it moved. VLAN 0 is that of a switch that knows none. */
  'switch-learned': { device: 'text', mac: 'text', switchPort: 'number', vlan: 'number' },
  /** A TCP connection came to a state of RFC 9293; ends are `address:port`. CLOSED is the last. */
  'tcp-state': { host: 'text', local: 'text', remote: 'text', state: 'text' },
  /** The queue of half-open connections of a port became full (1) or has room again (0); SYNs dropped there so far. */
  'tcp-backlog': { host: 'text', port: 'number', full: 'number', dropped: 'number' },
  /** The attacker found something in what it captured. */
  finding: {
    attacker: 'text',
    stream: 'number',
    kind: 'text',
    name: 'text',
    value: 'text',
    address: 'number',
    packet: 'number',
  },
  /** How much of guest memory the attacker has rebuilt from one conversation, in total so far. */
  recovered: { attacker: 'text', stream: 'number', pages: 'number', octets: 'number' },
  /**
   * What the attacker makes of the lengths and times of a transfer, whatever it carried: a `LeakQuantity`, its value, and the
   * range that it likely lies in.
   */
  'traffic-estimate': { attacker: 'text', quantity: 'text', value: 'number', low: 'number', high: 'number' },
  /**
   * What the attacker rebuilt of a migration that came to its end, held against memory as it was when the guest left: octets of
   * pages that are exactly the same. Nothing the attacker knows.
   */
  'recovered-exactly': { attacker: 'text', stream: 'number', migration: 'number', octets: 'number' },
  /** The attacker has looked for cipher blocks that come again: how many there were, and those that had come before. */
  'structure-seen': { attacker: 'text', stream: 'number', blocks: 'number', repeated: 'number' },
  /**
   * The attacker takes a page, about at `octet` of what a conversation carries, to be like the others of its `group`, or (`isZero`
   * 1) for zeros.
   */
  'page-alike': { attacker: 'text', stream: 'number', octet: 'number', group: 'number', isZero: 'number' },
  /** What an attacker that does more than listen says of its own progress. */
  'attack-stage': { attacker: 'text', stage: 'text', text: 'text' },
  /** The attacker recognised (or not) what a TCP conversation carries. `stream` counts its conversations. */
  'stream-seen': { attacker: 'text', stream: 'number', protocol: 'text', client: 'text', server: 'text' },
  /** What the guest's workload was told to do. */
  workload: { vm: 'text', workingSetPages: 'number', dirtyPagesPerSecond: 'number' },
  /** What else the guest was told, as text. */
  'guest-option': { vm: 'text', option: 'text', value: 'text' },
  /** The guest wrote a line on its console. */
  'console-line': { vm: 'text', text: 'text' },
  /** A person did something: the input log as the trace saw it. */
  command: { console: 'text', text: 'text' },
  /** A port of a switch became `access` or `trunk`, because it was `configured`, `negotiated`, or its `neighbour silent`. */
  'port-mode': { device: 'text', switchPort: 'number', mode: 'text', cause: 'text' },
  /**
   * A port saw more than it may: `port-security` or `arp-rate`. `mac` is the source of the frame, `action` is `restrict` (the frame
   * was dropped; a row a second at most) or `shutdown` (and the port is disabled).
   */
  'port-violation': {
    device: 'text',
    switchPort: 'number',
    kind: 'text',
    vlan: 'number',
    mac: 'text',
    action: 'text',
  },
  /** A switch dropped an ARP message; `fault` is what it did not believe. */
  'arp-inspection': {
    device: 'text',
    switchPort: 'number',
    vlan: 'number',
    fault: 'text',
    senderMac: 'text',
    senderAddress: 'text',
  },
  /** The best route of a host to a prefix is another one, or (origin `none`) there is none any more. */
  'route-changed': { host: 'text', prefix: 'text', nextHop: 'text', metric: 'number', origin: 'text' },
  /** A router did not believe a neighbour's announcement, and why. */
  'route-refused': { host: 'text', neighbour: 'text', prefix: 'text', metric: 'number', cause: 'text' },
  /** A host that knew a neighbour's MAC address (by ARP or neighbour discovery) believes another one now. */
  'arp-changed': { host: 'text', address: 'text', oldMac: 'text', newMac: 'text' },
  /** An orchestrator heard a host: every few adverts, and whenever one says something new. Shares are of all cores. */
  'host-advert': {
    host: 'text',
    sequence: 'number',
    busyShare: 'number',
    freeRamOctets: 'number',
    vms: 'number',
    health: 'text',
  },
  /** What an orchestrator holds a host to be (`HostStanding`), and since what it does. */
  'host-standing': { host: 'text', standing: 'text', reason: 'text' },
  /** An orchestrator decided something: `kind` is that of a `Proposal`, `source` the host it is about or that has the machine. */
  'fleet-decision': {
    decision: 'number',
    policy: 'text',
    kind: 'text',
    vm: 'text',
    source: 'text',
    destination: 'text',
    reason: 'text',
  },
  /** A move that an orchestrator began at `startNs` is over, as far as it knows. */
  'fleet-move': {
    decision: 'number',
    vm: 'text',
    source: 'text',
    destination: 'text',
    outcome: 'text',
    reason: 'text',
    startNs: 'number',
    downtimeNs: 'number',
  },
  /** A machine whose host failed was started anew, or not; its memory is lost in any case. */
  'fleet-restart': { vm: 'text', source: 'text', destination: 'text', outcome: 'text', reason: 'text' },
  /** What a host is (`off`, `booting`, `on`, `failed`), the part of its cores that is busy, and what it draws, from now on. */
  /** An orchestrator did not believe an advert in that host's name. */
  'advert-refused': { host: 'text', source: 'text' },
  /** A management controller did not obey a command that proves nothing, or not what it must. */
  'command-refused': { host: 'text', reason: 'text' },
  'host-power': { host: 'text', state: 'text', busyShare: 'number', watts: 'number' },
  /** The health of a host's hardware changed, whoever notices. */
  'host-health': { host: 'text', health: 'text' },
  /**
   * What became of a process that receives a migration, in the routine where it was: a `ReceiverStatus` (core/hypervisor), `corrupted` when
   * it had accessed what it should not, `keys` that its guest took, or `shell`, a command to the management that somebody took over.
   */
  'receiver-run': { host: 'text', connection: 'number', event: 'text', routine: 'text', detail: 'text' },
} as const

export type TraceKind = keyof typeof traceTables

type ColumnValue<C> = C extends 'text' ? string : number
export type TraceRow<K extends TraceKind> = {
  readonly [C in keyof (typeof traceTables)[K]]: ColumnValue<(typeof traceTables)[K][C]>
}
/** Names of the columns of a kind that hold numbers, and of those that hold texts. */
export type NumberColumn<K extends TraceKind> = ColumnOfType<K, 'number'>
export type TextColumn<K extends TraceKind> = ColumnOfType<K, 'text'>
type ColumnOfType<K extends TraceKind, T> = {
  [C in keyof (typeof traceTables)[K]]: (typeof traceTables)[K][C] extends T ? C : never
}[keyof (typeof traceTables)[K]] &
  string
export type TimedRow<K extends TraceKind> = TraceRow<K> & { readonly atNs: number }
