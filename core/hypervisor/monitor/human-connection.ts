/**
 * One connection to a human monitor's port: a prompt, lines, what they print. Octets that a telnet client negotiates with are
 * not asked for; editing is the client's own.
 */
import type { ByteStream } from '../../base/byte-stream.js'
import { latin1Octets, latin1Text } from '../../base/octets.js'
import { QEMU_VERSION } from '../wire/qmp.js'
import type { Monitor } from './monitor.js'
import { MonitorConnection } from './monitor-connection.js'

/** monitor/hmp.c's line buffer. */
const LINE_CHARACTERS_MAX = 4095
const PROMPT = '(qemu) '

export class HumanConnection extends MonitorConnection {
  private line = ''
  private afterReturn = false

  constructor(
    private readonly monitor: Monitor,
    stream: ByteStream,
    owner: { connectionClosed(connection: object): void },
  ) {
    super(stream, owner)
  }

  streamOpened(): void {
    const { major, minor, micro } = QEMU_VERSION
    this.print(`QEMU ${major}.${minor}.${micro} monitor - type 'help' for more information\r\n${PROMPT}`)
  }

  protected override take(octets: Uint8Array): void {
    for (const character of latin1Text(octets)) this.takeCharacter(character)
  }

  private takeCharacter(character: string): void {
    const isRestOfEnd = character === '\n' && this.afterReturn
    this.afterReturn = character === '\r'
    if (isRestOfEnd) return
    if (character === '\n' || character === '\r') {
      const { line } = this
      this.line = ''
      this.print(`${this.monitor.humanCommand(line)}${PROMPT}`)
    } else if (character >= ' ' && this.line.length < LINE_CHARACTERS_MAX) this.line += character
  }

  private print(text: string): void {
    this.output.push(latin1Octets(text))
    this.output.flush()
  }
}
