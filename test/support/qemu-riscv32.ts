import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  encodeGuestParameters,
  GUEST_PARAMETERS_AT,
  type GuestParameters,
} from '../../core/machine/guest-parameters.js'
import { MIB, type GuestImage } from './guest-machine.js'

const QEMU = 'qemu-system-riscv32'

/** Fails the test with what to install when QEMU is missing. */
export function requireQemu(): void {
  if (spawnSync(QEMU, ['--version']).status !== 0)
    throw new Error(`${QEMU} is missing: install Debian's package qemu-system-misc`)
}

/** A port of this machine's loopback interface that leads to one of the guest's. */
export interface PortForward {
  readonly protocol: 'tcp' | 'udp'
  readonly fromPort: number
  readonly toPort: number
}

interface QemuOptions {
  readonly forwards?: readonly PortForward[]
  /** What the host tells the guest: in a file that QEMU loads where the guest looks for it. */
  readonly parameters?: GuestParameters
  readonly ramMib?: number
}

/** A guest image in real QEMU, its console on our pipes. Call `kill` when done. */
export class QemuGuest {
  private readonly process: ChildProcessWithoutNullStreams
  private output = ''
  private errors = ''
  private exitCode: number | null = null
  private folder = ''

  constructor(image: GuestImage, { forwards = [], parameters, ramMib = 16 }: QemuOptions = {}) {
    const elf = fileURLToPath(new URL(`../../labs/guests/${image}.elf`, import.meta.url))
    const forwarded = forwards.map(
      ({ protocol, fromPort, toPort }) => `,hostfwd=${protocol}:127.0.0.1:${fromPort}-:${toPort}`,
    )
    const loader: string[] = []
    if (parameters !== undefined) {
      this.folder = mkdtempSync(join(tmpdir(), 'midstream-qemu-'))
      const file = join(this.folder, 'parameters')
      writeFileSync(file, encodeGuestParameters(parameters, 16 * MIB))
      loader.push('-device', `loader,file=${file},addr=0x${GUEST_PARAMETERS_AT.toString(16)},force-raw=on`)
    }
    this.process = spawn(QEMU, [
      ...loader,
      ...['-M', 'virt', '-m', `${ramMib}M`, '-bios', 'none', '-kernel', elf, '-display', 'none', '-monitor', 'none'],
      ...['-serial', 'stdio', '-global', 'virtio-mmio.force-legacy=false'],
      ...[
        '-netdev',
        `user,id=n0${forwarded.join('') || ',restrict=on'}`,
        '-device',
        'virtio-net-device,netdev=n0,mac=52:54:00:12:34:56',
      ],
    ])
    this.process.stdout.on('data', (octets: Buffer) => (this.output += octets.toString('latin1')))
    this.process.stderr.on('data', (octets: Buffer) => (this.errors += octets.toString('latin1')))
    this.process.on('exit', (code) => (this.exitCode = code ?? -1))
  }

  type(text: string): void {
    this.process.stdin.write(Buffer.from(text, 'latin1'))
  }

  /** Wait until the console has said `text` since the last call; returns all it said. Throws after 15 s. */
  async expect(text: string): Promise<string> {
    await this.until(() => this.output.includes(text), `to say ${JSON.stringify(text)}`)
    const said = this.output
    this.output = ''
    return said
  }

  /** Wait for QEMU to end; returns its exit code. */
  async ended(): Promise<number> {
    await this.until(() => this.exitCode !== null, 'to end')
    return this.exitCode ?? -1
  }

  kill(): void {
    if (this.exitCode === null) this.process.kill('SIGKILL')
    if (this.folder !== '') rmSync(this.folder, { recursive: true, force: true })
  }

  private async until(condition: () => boolean, what: string): Promise<void> {
    for (let waitedMs = 0; !condition(); waitedMs += 10) {
      if (waitedMs > 15_000)
        throw new Error(`QEMU's guest was waited for ${what}; it said: ${this.output}${this.errors}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}
