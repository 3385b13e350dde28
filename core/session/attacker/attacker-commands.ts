/** Commands of the attacker's shell that send something; named and written as the tools that they follow. */
import { InputError } from '../../base/errors.js'
import { octetsOfHex } from '../../base/octets.js'
import { milliseconds, parseDuration, parseOctets } from '../../base/units.js'
import { MonitorUser, type MonitorRequest } from '../../attack/control/monitor-user.js'
import { NeedlessMigrations } from '../../attack/control/needless-migrations.js'
import { HeldMigrations, type HeldMigrationsOptions } from '../../attack/flood/held-migrations.js'
import { MacFlood } from '../../attack/flood/mac-flood.js'
import { SynFlood, type SynFloodOptions } from '../../attack/flood/syn-flood.js'
import { ManInTheMiddle } from '../../attack/middle/man-in-the-middle.js'
import type { StreamEdit } from '../../attack/middle/stream-edits.js'
import { exploitNames } from '../../attack/module/restore-exploits.js'
import { Xensploit, type XensploitOptions } from '../../attack/module/xensploit.js'
import { parsePattern, parseReplacement } from '../../attack/middle/octet-pattern.js'
import { PacketSender, type PacketSenderOptions } from '../../attack/send/packet-sender.js'
import { frameOf, type FrameSender } from '../../attack/send/packet-text.js'
import { hypervisorNames } from '../../hypervisor/profiles/hypervisor-profile.js'
import { profiles } from '../../hypervisor/profiles/profiles.js'
import { RELOCATION_PORT } from '../../hypervisor/wire/restore-stream.js'
import { parseIpv4, type Ipv4Address } from '../../net/wire/addresses.js'
import { MIGRATION_PORT, SSH_PORT } from '../../secure/channels.js'
import { ink } from '../line-shell.js'
import { places } from '../rack.js'
import type { AttackerJobs } from './attacker-jobs.js'

/** Does what the words say, and gives what is to be printed. Throws `InputError`. */
type AttackerCommand = (jobs: AttackerJobs, words: readonly string[], line: string) => string

const FILTER_HELP = `  filter replace "old text" "new text"   in every page that passes; or octets: filter replace e306 1300
  filter swap 0x80000000 0x80001000      two pages of guest memory change places
  filter rollback                        every page stays as it was sent first
  filter device e306 1300                in the state of devices
  filter truncate 1MiB                   cut the connection there
  filter confirm 1MiB                    swallow the rest, and confirm it in the destination’s name
  filter flip 20696 e306 1300            change these octets of the payload into those, read or not
  filter paste 1000 2000 64              put 64 octets that passed at 1000 to 2000
  filter strip                           neither host can seal, as far as the other hears
  filter list, filter clear
`
const SENT_MAX = 1_000_000
const DRIP_MIN_NS = milliseconds(1)
/** What is kept of what passed. */
const PASTED_OCTETS_MAX = 65536
/** Where migrations are listened for. */
const migrationPorts: readonly number[] = [
  ...new Set([...hypervisorNames.map((name) => profiles[name].migrationPort), SSH_PORT]),
]

export const attackerCommands: Readonly<Record<string, AttackerCommand>> = {
  arpspoof: (jobs, words, line) => {
    const middle = new ManInTheMiddle(jobs.computer, { victims: victimsIn(words), ports: [], edits: [] })
    return begun(jobs.start(line, middle))
  },

  ettercap: (jobs, words, line) => {
    if (jobs.filters.length === 0) throw new InputError('there is no filter yet: filter says how to write one')
    const edits = jobs.filters.map(({ edit }) => edit)
    const middle = new ManInTheMiddle(jobs.computer, { victims: victimsIn(words), ports: migrationPorts, edits })
    return begun(jobs.start(line, middle))
  },

  'ssh-mitm': (jobs, words, line) => {
    const pretender = { victims: victimsIn(words), ports: [SSH_PORT], edits: [], impostor: 'ssh' } as const
    return begun(jobs.start(line, new ManInTheMiddle(jobs.computer, pretender)))
  },

  sslsplit: (jobs, words, line) => {
    const ports = migrationPorts.filter((port) => port !== SSH_PORT)
    const pretender = { victims: victimsIn(words), ports, edits: [], impostor: 'tls' } as const
    return begun(jobs.start(line, new ManInTheMiddle(jobs.computer, pretender)))
  },

  hping3: (jobs, words, line) => {
    const { port, intervalNs, victim } = floodIn(words)
    return begun(jobs.start(line, new SynFlood(jobs.computer, { victim, port, intervalNs })))
  },

  'qmp-shell': (jobs, words, line) => {
    const { host, request } = requestIn(words)
    return begun(jobs.start(line, new MonitorUser(jobs.computer, host, request)))
  },

  qemu: (jobs, [option = '', uri = 'tcp:0:49152', more], line) => {
    const port = Number(/^tcp:(?:0|0\.0\.0\.0)?:(\d{1,5})$/.exec(uri)?.[1] ?? NaN)
    if (option !== '-incoming' || more !== undefined || !(port >= 1 && port <= 65535))
      throw new InputError('qemu -incoming tcp:0:49152: a hypervisor that waits for a guest at that port')
    jobs.expectStation()
    return begun(jobs.start(line, jobs.starter.startHypervisor(port)))
  },

  'migrate-loop': (jobs, words, line) => {
    const options = { hosts: victimsIn(words), port: MIGRATION_PORT }
    return begun(jobs.start(line, new NeedlessMigrations(jobs.computer, options)))
  },

  macof: (jobs, words, line) => {
    if (words.length > 0) throw new InputError('macof takes nothing: it floods the switch that it is plugged into')
    return begun(jobs.start(line, new MacFlood(jobs.computer)))
  },

  xensploit: (jobs, words, line) => begun(jobs.start(line, new Xensploit(jobs.computer, exploitIn(words)))),

  slowloris: (jobs, words, line) => begun(jobs.start(line, new HeldMigrations(jobs.computer, heldIn(words)))),

  sendp: (jobs, _words, line) =>
    begun(jobs.start(line, new PacketSender(jobs.computer, sendingIn(line, jobs.computer)))),

  filter: (jobs, [what = 'help', ...words], line) => {
    if (what === 'help') return FILTER_HELP
    if (what === 'clear') {
      jobs.filters.length = 0
      return 'no filter is left\n'
    }
    if (what !== 'list') jobs.filters.push({ text: line.replace(/^filter\s+/, ''), edit: editOf(what, words, line) })
    if (jobs.filters.length === 0) return ink.dim('there is no filter\n')
    return jobs.filters.map(({ text }, index) => `${index + 1}  ${text}\n`).join('')
  },

  jobs: (jobs) => {
    if (jobs.all.length === 0) return ink.dim('nothing runs\n')
    return jobs.all.map(({ id, line }) => `${id}  ${line}\n`).join('')
  },

  kill: (jobs, [word = '']) => {
    jobs.kill(Number(word))
    return `${word} has ended\n`
  },
}

/** `-S -p PORT [-i uMICROSECONDS | --flood] HOST`. */
function floodIn(words: readonly string[]): SynFloodOptions {
  const after = (option: string): string => words[words.indexOf(option) + 1] ?? ''
  const port = Number(words.includes('-p') ? after('-p') : NaN)
  const spacing = /^u(\d{1,9})$/.exec(
    words.includes('-i') ? after('-i') : words.includes('--flood') ? 'u100' : 'u1000',
  )?.[1]
  const victim = words.at(-1) ?? ''
  const isRight = words.includes('-S') && Number.isInteger(port) && port >= 1 && port <= 65535 && Number(spacing) >= 10
  if (!isRight || victim.startsWith('-') || victim === after('-p'))
    throw new InputError(
      'hping3 -S -p PORT [-i u1000 | --flood] HOST: connections that open and go no further; u10 at least',
    )
  return { victim: addressOf(victim), port, intervalNs: Number(spacing) * 1000 }
}

/** `HOST COMMAND [name=value ...]`, as QEMU's own qmp-shell takes them; values are JSON, or else text. */
function requestIn(words: readonly string[]): { host: Ipv4Address; request: MonitorRequest } {
  const [host, command, ...given] = words
  const pairs = given.map((word) => /^([a-z-]+)=(.+)$/.exec(word))
  if (host === undefined || command === undefined || pairs.includes(null))
    throw new InputError('qmp-shell HOST COMMAND [name=value ...]: qmp-shell host-a migrate uri=tcp:10.0.0.66:49152')
  const valueOf = (text: string): string | number | boolean =>
    text === 'true' || text === 'false' ? text === 'true' : /^\d{1,15}$/.test(text) ? Number(text) : text
  const members = pairs.map((pair) => [pair?.[1] ?? '', valueOf(pair?.[2] ?? '')])
  return {
    host: addressOf(host),
    request: { command, given: Object.fromEntries(members) as MonitorRequest['given'] },
  }
}

/** `EXPLOIT HOST [-p PORT] [-tls NAME] [-page N]`. */
function exploitIn([name, victim, ...options]: readonly string[]): XensploitOptions {
  const exploit = exploitNames.find((each) => each === name)
  const [, word = String(RELOCATION_PORT), sealedAs = null, page = '0'] =
    /^(?:-p (\d{1,5}) ?)?(?:-tls ([a-z0-9-]{1,63}) ?)?(?:-page (\d{1,6}))?$/.exec(options.join(' ')) ?? ['', '0']
  const port = Number(word)
  if (exploit === undefined || victim === undefined || port < 1 || port > 65535)
    throw new InputError(`xensploit ${exploitNames.join('|')} HOST [-p ${RELOCATION_PORT}] [-tls NAME] [-page N]`)
  return { exploit, victim: addressOf(victim), port, sealedAs, page: Number(page) }
}

/** `-n COUNT [-i 500ms] [-p PORT] [-tls NAME] HOST`. */
function heldIn(words: readonly string[]): HeldMigrationsOptions {
  const [, number = '', every = null, word = String(RELOCATION_PORT), sealedAs = null, victim = ''] =
    /^-n (\d{1,3})(?: -i (\d\S*))?(?: -p (\d{1,5}))?(?: -tls ([a-z0-9-]{1,63}))? ([^\s-]\S*)$/.exec(words.join(' ')) ??
    []
  const [count, port] = [Number(number), Number(word)]
  if (count < 1 || port < 1 || port > 65535)
    throw new InputError(`slowloris -n COUNT [-i 500ms] [-p ${RELOCATION_PORT}] [-tls NAME] HOST`)
  const dripNs = every === null ? null : parseDuration(every)
  if (dripNs !== null && dripNs < DRIP_MIN_NS) throw new InputError('slowloris -i: a millisecond at least')
  return { victim: addressOf(victim), port, count, dripNs, sealedAs }
}

/** `sendp PACKET [count=N] [inter=SECONDS]`, the packet in Scapy's words. */
function sendingIn(line: string, sender: FrameSender): PacketSenderOptions {
  const [, packet = '', options = ''] = /^sendp\s+(.*?[)"])((?:\s+(?:count|inter)=\S+)*)\s*$/.exec(line) ?? []
  if (packet === '')
    throw new InputError('sendp Ether(dst="…")/ARP(op=2, psrc="10.0.0.2", pdst="10.0.0.1") [count=3] [inter=0.1]')
  const count = Number(/count=(\S+)/.exec(options)?.[1] ?? 1)
  const seconds = Number(/inter=(\S+)/.exec(options)?.[1] ?? 0.1)
  if (!Number.isInteger(count) || count < 1 || count > SENT_MAX)
    throw new InputError(`sendp: count is from 1 to ${SENT_MAX}`)
  if (!(seconds >= 1e-5 && seconds <= 3600)) throw new InputError('sendp: inter is in seconds, from 0.00001 to 3600')
  return { frame: frameOf(packet, sender), count, intervalNs: Math.round(seconds * 1e9) }
}

function begun(job: number): string {
  return ink.attacker(`job ${job} runs; "kill ${job}" ends it\n`)
}

function victimsIn(words: readonly string[]): readonly [Ipv4Address, Ipv4Address] {
  const [a, b, more] = words
  if (a === undefined || b === undefined || more !== undefined)
    throw new InputError('name two stations, such as host-a host-b or 10.0.0.1 10.0.0.2')
  const victims = [addressOf(a), addressOf(b)] as const
  if (victims[0] === victims[1]) throw new InputError(`${a} and ${b} are one station`)
  return victims
}

/** By its name in the lab, or by its address. */
function addressOf(word: string): Ipv4Address {
  const place = Object.values(places).find(({ name }) => name === word)
  return parseIpv4(place?.address ?? word)
}

function editOf(what: string, words: readonly string[], line: string): StreamEdit {
  switch (what) {
    case 'replace':
    case 'device': {
      const [from, to] = pairIn(line)
      const find = parsePattern(from)
      const kind = what === 'replace' ? 'replace' : 'replace-device-state'
      return { kind, find, by: parseReplacement(to, find) }
    }
    case 'swap': {
      const [a = NaN, b = NaN] = words.map(pageAddress)
      if (words.length !== 2 || a === b) throw new InputError('filter swap takes two pages: 0x80000000 0x80001000')
      return { kind: 'swap-pages', a, b }
    }
    case 'rollback':
      return { kind: 'roll-back' }
    case 'flip': {
      const [, at = '', from = '', to = ''] = /^filter\s+flip\s+(\d+)\s+([0-9a-f]+)\s+([0-9a-f]+)$/i.exec(line) ?? []
      if (at === '' || from.length !== to.length || from.length % 2 !== 0)
        throw new InputError('filter flip takes a place, what is there and what is wanted: 20696 e306 1300')
      return { kind: 'flip', at: Number(at), from: octetsOfHex(from), to: octetsOfHex(to) }
    }
    case 'paste': {
      const [from = NaN, to = NaN, octets = NaN] = words.map(Number)
      const isPossible = words.length === 3 && [from, to, octets].every(Number.isSafeInteger) && from >= 0
      if (!isPossible || octets < 1 || octets > PASTED_OCTETS_MAX || to < from + octets)
        throw new InputError('filter paste takes a place, a later one, and how many octets: 1000 2000 64')
      return { kind: 'paste', from, to, octets }
    }
    case 'strip':
      return { kind: 'strip' }
    case 'truncate':
    case 'confirm':
      return { kind: what, afterOctets: parseOctets(words[0] ?? '') }
    default:
      throw new InputError(
        `filter ${what}: choose replace, swap, rollback, device, truncate, confirm, flip, paste, strip, list or clear`,
      )
  }
}

/** Two patterns after the words `filter replace`. */
function pairIn(line: string): readonly [string, string] {
  const [, from, to] = /^filter\s+\w+\s+("[^"]+"|[0-9a-f?]+)\s+("[^"]*"|[0-9a-f?]+)$/i.exec(line) ?? []
  if (from === undefined || to === undefined)
    throw new InputError('write what is there and what comes in its place: "old" "new", or octets: e306 1300')
  return [from, to]
}

function pageAddress(word: string): number {
  const address = Number(word)
  if (!/^0x[0-9a-f]+$/i.test(word) || address % 4096 !== 0)
    throw new InputError(`${word}: a page has an address such as 0x80001000, a multiple of 4096`)
  return address
}
