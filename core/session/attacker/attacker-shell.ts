/** The attacker's shell: what can be done with captured frames, and nothing else. */
import { InputError } from '../../base/errors.js'
import { CaptureIndex } from '../../capture/capture-index.js'
import { summarisePacket } from '../../capture/packet-summary.js'
import type { Kernel } from '../../kernel/kernel.js'
import { ink, LineShell } from '../line-shell.js'
import { places } from '../rack.js'
import type { Sniffer } from '../sniffer.js'
import type { AttackerComputer } from './attacker-computer.js'
import { AttackerJobs, type HypervisorStarter } from './attacker-jobs.js'
import { attackerCommands } from './attacker-commands.js'

const HELP = `${ink.strong('What the cable brings')}
  tcpdump [-c N]        the last packets, 20 or N
  streams               conversations, and what they carry
  search                rebuild guest memory and look for secrets in it
  show N                the whole of finding N
  page 0x80040000       a page of the rebuilt memory, in octets
  changes [0x80040000]  what changed between copies of pages, or of one
  pslist                the guest's processes, by their table in memory
${ink.strong('What a station can do, at a port that takes frames')}
  arpspoof A B          stand between two stations, and relay
  filter                what is to be changed of a migration that passes
  ettercap A B          stand between two stations, and change that
  ssh-mitm A B          be the SSH server that one takes the other for
  sslsplit A B          the same with TLS
  hping3 -S -p 49152 B  open connections in other names, and leave them
  slowloris -n 16 B     begin migrations that never end
  sendp PACKET          a frame in words: Ether()/ARP(op=2, …)
  macof                 fill the switch's table of addresses
  qmp-shell B command   ask a host's monitor for something
  qemu -incoming P      a hypervisor that waits for a guest
  migrate-loop A B      a guest goes to and fro, for nothing
  xensploit WHAT B      send a migration that takes an xend over
  jobs, kill N          what runs, and an end of it
`
const OWN_COMMANDS = ['help', 'tcpdump', 'streams', 'search', 'show', 'page', 'changes', 'pslist']
const PACKETS_MAX = 500
/** Of a finding's value, in the list; `show` has the whole. */
const VALUE_CHARACTERS = 60
const ROW_OCTETS = 8
const PAGE_ROWS = 32

export class AttackerShell extends LineShell {
  private readonly jobs: AttackerJobs

  constructor(
    kernel: Kernel,
    private readonly sniffer: Sniffer,
    computer: AttackerComputer,
    starter: HypervisorStarter,
  ) {
    super(kernel, 'attacker')
    this.jobs = new AttackerJobs(computer, starter)
  }

  protected prompt(): string {
    return `${ink.attacker(`${places.attacker.name}$`)} `
  }

  protected completions(line: string): readonly string[] {
    return line.trimStart().includes(' ') ? [] : [...OWN_COMMANDS, ...Object.keys(attackerCommands)]
  }

  protected execute([command = '', ...rest]: readonly string[], line: string): void {
    switch (command) {
      case 'help':
        return this.print(HELP)
      case 'tcpdump':
        return this.tcpdump(rest)
      case 'streams':
        return this.streams()
      case 'search':
      case 'strings':
        return this.search()
      case 'show':
        return this.show(rest[0] ?? '')
      case 'pslist':
        return this.processes()
      case 'changes':
        return rest[0] === undefined ? this.changes() : this.changesOf(rest[0])
      case 'page':
        return this.page(rest[0] ?? '')
      default: {
        const found = Object.hasOwn(attackerCommands, command) ? attackerCommands[command] : undefined
        if (found === undefined) throw new InputError(`${command}: no such command. Type help.`)
        return this.print(found(this.jobs, rest, line))
      }
    }
  }

  private tcpdump(words: readonly string[]): void {
    const count = words[0] === '-c' ? Number(words[1]) : 20
    if (!Number.isInteger(count) || count < 1 || count > PACKETS_MAX)
      throw new InputError(`tcpdump -c N: N is a whole number from 1 to ${PACKETS_MAX}`)
    const { tap } = this.sniffer
    if (tap.lastPacket === 0) return this.print(ink.dim('Nothing was captured yet.\n'))
    const index = new CaptureIndex(tap)
    index.update()
    for (let packet = Math.max(tap.firstPacket, tap.lastPacket - count + 1); packet <= tap.lastPacket; packet++) {
      const summary = summarisePacket(index, packet)
      if (summary === null) continue
      const { timeNs, source, destination, protocol, info, octets } = summary
      this.print(
        `${ink.dim(`${packet} ${(timeNs / 1e9).toFixed(6)}`)} ${source} > ${destination}: ${ink.strong(protocol)} ${info}, ${octets} octets\n`,
      )
    }
  }

  private streams(): void {
    const { streams } = this.sniffer.report()
    if (streams.length === 0) return this.print(ink.dim('No conversation was captured yet.\n'))
    streams.forEach((stream, index) => {
      const readable = stream.protocol === 'qevm' || stream.protocol === 'libxc' || stream.protocol === 'multifd'
      const name = readable ? ink.leak(stream.protocol) : ink.sealed(stream.protocol)
      this.print(
        `${index + 1}  ${name}  ${stream.client} > ${stream.server}  ${stream.octetsToServer} octets out, ${stream.octetsToClient} back\n`,
      )
      for (const sentence of stream.seen) this.print(ink.dim(`   ${sentence}\n`))
    })
  }

  private search(): void {
    const { streams } = this.sniffer.report()
    const findings = streams.flatMap((stream) => stream.findings)
    const pages = streams.flatMap((stream) => stream.blocks).reduce((sum, block) => sum + block.pagesRecovered, 0)
    this.print(`${pages} pages of guest memory rebuilt from ${this.sniffer.tap.lastPacket} packets\n`)
    if (findings.length === 0)
      return this.print(
        ink.dim(pages === 0 ? 'Nothing readable was captured: there is nothing to search.\n' : 'No secrets found.\n'),
      )
    findings.forEach(({ kind, name, value, address, packets }, index) => {
      const [line = ''] = value.split('\n')
      const packet = packets.length === 0 ? '' : `, packet ${packets.at(-1)}`
      // Two short lines: three terminals side by side leave some forty columns each.
      this.print(`${String(index + 1).padStart(2)} ${kind} ${ink.strong(name)} ${ink.dim(`${address}${packet}`)}\n`)
      this.print(`   ${ink.leak(line.slice(0, VALUE_CHARACTERS))}\n`)
    })
  }

  private show(word: string): void {
    const findings = this.sniffer.report().streams.flatMap((stream) => stream.findings)
    const finding = findings[Number(word) - 1]
    if (finding === undefined) throw new InputError(`there is no finding ${word}: "search" numbers them`)
    this.print(
      `${ink.leak(finding.value)}\n${finding.why}\nat ${finding.addresses.join(', ')}\npackets ${finding.packets.join(', ')}\n`,
    )
  }

  private processes(): void {
    const processes = this.sniffer.report().streams.flatMap((stream) => stream.processes)
    if (processes.length === 0) return this.print(ink.dim('No table of processes in what was rebuilt of memory.\n'))
    for (const { name, state, from, to, pc, record } of processes) {
      this.print(`${ink.leak(name.padEnd(16))} ${state.padEnd(8)} ${from} to ${to}\n`)
      this.print(ink.dim(`   goes on at ${pc}; its record is at ${record}\n`))
    }
  }

  private changes(): void {
    const reports = this.sniffer.report().streams.flatMap((stream) => stream.changes)
    if (reports.length === 0) return this.print(ink.dim('No page crossed more than once, or none in clear.\n'))
    for (const { block, pagesBySends, pagesChanged, hottest, counters } of reports) {
      this.print(`${ink.strong(block)}: ${pagesChanged} pages changed on their way\n`)
      pagesBySends.forEach((pages, index) => {
        if (pages > 0) this.print(ink.dim(`  sent ${index + 1} times: ${pages} pages\n`))
      })
      for (const { address, copies, changes } of hottest)
        this.print(`  ${address}: ${copies} copies, ${changes} changes\n`)
      for (const { address, values } of counters)
        this.print(`  counter at ${address}: ${ink.leak(values.join(', '))}\n`)
    }
  }

  private changesOf(word: string): void {
    const changed = this.sniffer.changesAt(addressIn(word, 'changes'))
    if (changed === null) throw new InputError(`the page at ${word} was not seen to change`)
    const { address, copies, changes, wordsChanged, words } = changed
    this.print(`${address}: ${copies} copies, ${changes} changes, of ${wordsChanged} words in all\n`)
    if (words.length === 0) this.print(ink.dim('  rewritten as a whole: no word of it says anything by itself\n'))
    for (const { address: at, values, isCounter } of words) {
      const went = values.map((value) => (isCounter ? String(value) : `0x${value.toString(16)}`)).join(', ')
      this.print(`  ${isCounter ? 'counter' : 'word'} at ${at}: ${ink.leak(went)}\n`)
    }
  }

  private page(word: string): void {
    const address = addressIn(word, 'page')
    const octets = this.sniffer.memoryAt(address, ROW_OCTETS * PAGE_ROWS)
    if (octets === null) throw new InputError(`the page at ${word} was not captured, or not in clear`)
    for (let row = 0; row < octets.length; row += ROW_OCTETS) {
      const part = [...octets.subarray(row, row + ROW_OCTETS)]
      const hex = part.map((octet) => octet.toString(16).padStart(2, '0')).join(' ')
      const text = part.map((octet) => (octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : '.')).join('')
      this.print(
        `${ink.dim((address + row).toString(16).padStart(8, '0'))}  ${hex.padEnd(3 * ROW_OCTETS - 1)}  ${ink.leak(text)}\n`,
      )
    }
  }
}

function addressIn(word: string, command: string): number {
  const address = Number(word)
  if (!/^0x[0-9a-f]+$/i.test(word) || !Number.isSafeInteger(address))
    throw new InputError(`${command} takes an address in hexadecimal: ${command} 0x80040000`)
  return address
}
