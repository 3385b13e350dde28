/** Runs the real openssl: `s_server`, `s_client`, `verify`, and the making of certificates, in a folder of their own. */
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { octetsOfHex } from '../../../core/base/octets.js'
import { listen } from '../openssh/openssh-tools.js'

/** PKCS #8 of an ed25519 key (RFC 8410 section 7), up to its seed. */
const PKCS8_HEAD = octetsOfHex('302e020100300506032b657004220420')

export interface OpensslResult {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Fails with what to install, rather than skipping. */
export function openssl(folder: string, ...args: string[]): OpensslResult {
  const { error, status, stdout, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' })
  if (error !== undefined) throw new Error("openssl is missing: install Debian's package openssl")
  return { status, stdout, stderr }
}

export function writePem(folder: string, name: string, label: string, ...elements: Uint8Array[]): void {
  const text = elements.map((octets) => {
    const lines =
      Buffer.from(octets)
        .toString('base64')
        .match(/.{1,64}/g) ?? []
    return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
  })
  writeFileSync(join(folder, name), text.join(''))
}

/** `name`.pem and `name`.key. */
export function writeIdentity(
  folder: string,
  name: string,
  { chain, secretKey }: { readonly chain: readonly Uint8Array[]; readonly secretKey: Uint8Array },
): void {
  writePem(folder, `${name}.pem`, 'CERTIFICATE', ...chain)
  writePem(folder, `${name}.key`, 'PRIVATE KEY', new Uint8Array([...PKCS8_HEAD, ...secretKey]))
}

/** One run of openssl that talks: what it was told goes to its peer, what it heard is its output. */
export class OpensslProcess {
  private readonly child: ChildProcessWithoutNullStreams
  private readonly heard: Buffer[] = []
  private said = ''
  private readonly closed: Promise<number | null>

  constructor(folder: string, args: readonly string[]) {
    this.child = spawn('openssl', args, { cwd: folder })
    this.child.stdout.on('data', (octets: Buffer) => this.heard.push(octets))
    this.child.stderr.on('data', (text: Buffer) => (this.said += text.toString()))
    this.child.stdin.on('error', (error) => (this.said += error.message))
    this.closed = new Promise((resolve) => this.child.on('close', resolve))
  }

  get output(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.heard))
  }

  /** What it wrote about itself. */
  get messages(): string {
    return this.said
  }

  tell(octets: Uint8Array | string): void {
    this.child.stdin.write(octets)
  }

  ended(): Promise<number | null> {
    return this.closed
  }

  async stop(): Promise<void> {
    this.child.kill()
    await this.closed
  }
}

/** An `s_server` on a free port of 127.0.0.1, and a connection to it. */
export async function connectedServer(
  folder: string,
  args: readonly string[],
): Promise<{ readonly process: OpensslProcess; readonly socket: Socket }> {
  const probe = createServer()
  const port = await listen(probe)
  await new Promise((resolve) => probe.close(resolve))
  const process = new OpensslProcess(folder, ['s_server', '-accept', `127.0.0.1:${port}`, '-tls1_3', ...args])
  for (let attempt = 0; attempt < 200; attempt++) {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    if (isOpen) return { process, socket }
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  await process.stop()
  throw new Error(`openssl s_server did not listen on ${port}: ${process.messages}`)
}
