import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Fails the test with what to install when swtpm is missing. */
export function requireSwtpm(): void {
  if (spawnSync('swtpm', ['--version']).status !== 0)
    throw new Error("swtpm is missing: install Debian's package swtpm")
}

/** The reference implementation of a TPM 2.0, new and just switched on, behind a socket. Call `stop` when done. */
export class Swtpm {
  private readonly answers: Uint8Array[] = []
  private waiting: ((answer: Uint8Array) => void) | null = null

  private constructor(
    private readonly folder: string,
    private readonly process: ChildProcess,
    private readonly socket: Socket,
  ) {
    socket.on('data', (octets) => {
      const { waiting } = this
      this.waiting = null
      if (waiting === null) this.answers.push(octets)
      else waiting(octets)
    })
  }

  static async start(): Promise<Swtpm> {
    const folder = mkdtempSync(join(tmpdir(), 'swtpm-'))
    const path = join(folder, 'socket')
    const process = spawn('swtpm', [
      ...['socket', '--tpm2', '--tpmstate', `dir=${folder}`, '--flags', 'not-need-init'],
      ...['--server', `type=unixio,path=${path}`, '--ctrl', `type=unixio,path=${join(folder, 'control')}`],
    ])
    return new Swtpm(folder, process, await connected(path))
  }

  /** Take the power away and give it back: _TPM_Init, by swtpm's CMD_INIT on its control channel. */
  async powerOn(): Promise<void> {
    const control = connect(join(this.folder, 'control'))
    await once(control, 'connect')
    control.write(Uint8Array.of(0, 0, 0, 2, 0, 0, 0, 0))
    const [result] = (await once(control, 'data')) as [Buffer]
    control.destroy()
    if (result.readUInt32BE(0) !== 0) throw new Error(`swtpm does not start again: ${result.toString('hex')}`)
  }

  /** Send a command of at least 10 octets, and wait for the response. */
  async execute(command: Uint8Array): Promise<Uint8Array> {
    this.socket.write(command)
    return this.answers.shift() ?? (await new Promise((resolve) => (this.waiting = resolve)))
  }

  stop(): void {
    this.socket.destroy()
    this.process.kill('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** The socket's file is there a moment before anybody listens at it. */
async function connected(path: string): Promise<Socket> {
  for (let waitedMs = 0; ; waitedMs += 10) {
    const socket = connect(path)
    try {
      await once(socket, 'connect')
      return socket
    } catch (error) {
      socket.destroy()
      if (waitedMs > 10_000) throw new Error('swtpm did not start within 10 s', { cause: error })
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
