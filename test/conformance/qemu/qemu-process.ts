import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'

const PROGRAM = 'qemu-system-riscv32'

/** Fails with what to install, rather than skipping. */
export function requireQemu(): void {
  if (spawnSync(PROGRAM, ['--version']).status !== 0)
    throw new Error(`${PROGRAM} is missing: apt-get install qemu-system-misc`)
}

type Answer = Readonly<Record<string, unknown>>

/** A real QEMU, driven over QMP on its standard input and output. */
export class QemuProcess {
  private readonly process: ChildProcessWithoutNullStreams
  private readonly lines: AsyncIterator<string>
  private readonly reader: Interface
  private errors = ''

  private constructor(args: readonly string[]) {
    this.process = spawn(PROGRAM, ['-display', 'none', '-nodefaults', '-qmp', 'stdio', ...args])
    this.process.stderr.on('data', (data: Buffer) => (this.errors += data.toString()))
    this.reader = createInterface({ input: this.process.stdout })
    this.lines = this.reader[Symbol.asyncIterator]()
  }

  static async start(args: readonly string[]): Promise<QemuProcess> {
    const { qemu } = await QemuProcess.greeted(args)
    await qemu.execute('qmp_capabilities')
    return qemu
  }

  /** One that has not negotiated yet. */
  static async greeted(args: readonly string[]): Promise<{ qemu: QemuProcess; greeting: Answer }> {
    const qemu = new QemuProcess(args)
    return { qemu, greeting: await qemu.line() }
  }

  /** The next answer to `text`, which is written as it is, error or not. Events in between are passed over. */
  async ask(text: string): Promise<Answer> {
    this.process.stdin.write(`${text}\n`)
    for (;;) {
      const answer = await this.line()
      if (!('event' in answer)) return answer
    }
  }

  /** Returns what the command returned; an error of QEMU is thrown. Events in between are passed over. */
  async execute(command: string, args: Answer = {}): Promise<Answer> {
    this.process.stdin.write(`${JSON.stringify({ execute: command, arguments: args })}\n`)
    for (;;) {
      const answer = await this.line()
      if ('error' in answer) throw new Error(`${command}: ${JSON.stringify(answer['error'])}`)
      if ('return' in answer) return answer['return'] as Answer
    }
  }

  /** Ask every few milliseconds until `done`. */
  async until(command: string, done: (answer: Answer) => boolean): Promise<Answer> {
    for (;;) {
      const answer = await this.execute(command)
      if (done(answer)) return answer
      if (answer['status'] === 'failed') throw new Error(`${command}: ${JSON.stringify(answer)} ${this.errors}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** What the human monitor answers. */
  async monitor(command: string): Promise<string> {
    const answer: unknown = await this.execute('human-monitor-command', { 'command-line': command })
    return answer as string
  }

  /** Save the whole machine into a file. */
  async migrateTo(path: string): Promise<void> {
    await this.execute('migrate', { uri: `exec:cat > ${path}` })
    await this.until('query-migrate', ({ status }) => status === 'completed')
  }

  stop(): void {
    this.reader.close()
    this.process.kill()
  }

  private async line(): Promise<Answer> {
    const next = await this.lines.next()
    if (next.done === true) throw new Error(`QEMU has gone: ${this.errors}`)
    return JSON.parse(next.value) as Answer
  }
}

/** The serial port of a real QEMU's guest: `serialArguments` for its command line, then `open`. */
export class QemuConsole {
  private readonly folder = mkdtempSync(join(tmpdir(), 'midstream-console-'))
  private readonly path = join(this.folder, 'console')
  private socket: Socket | null = null
  private output = ''

  readonly serialArguments = [
    '-chardev',
    `socket,id=console,path=${this.path},server=on,wait=off`,
    '-serial',
    'chardev:console',
  ]

  async open(): Promise<void> {
    const socket = connect(this.path)
    socket.on('data', (octets) => (this.output += octets.toString('latin1')))
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    this.socket = socket
  }

  type(text: string): void {
    this.socket?.write(Buffer.from(text, 'latin1'))
  }

  /** Wait until the console has said `text` since the last call; returns all it said. Throws after 15 s. */
  async expect(text: string): Promise<string> {
    for (let waitedMs = 0; !this.output.includes(text); waitedMs += 10) {
      if (waitedMs > 15_000) throw new Error(`QEMU's guest never said ${JSON.stringify(text)}, but: ${this.output}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    const said = this.output
    this.output = ''
    return said
  }

  close(): void {
    this.socket?.destroy()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
