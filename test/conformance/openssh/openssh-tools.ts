import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { decodeEd25519Blob, encodeEd25519Blob } from '../../../core/secure/wire/ssh-messages.js'

const SSHD = '/usr/sbin/sshd'

/** Fails with what to install, rather than skipping. */
export function requireOpenSsh(): void {
  try {
    execFileSync('ssh', ['-V'], { stdio: 'pipe' })
  } catch {
    throw new Error('ssh is missing: apt-get install openssh-client')
  }
  if (!existsSync(SSHD)) throw new Error('sshd is missing: apt-get install openssh-server')
}

/** A private directory that goes away with `remove`. */
export function temporaryFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'midstream-openssh-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** Let ssh-keygen write an ed25519 key pair; returns the private key's path and the public key's 32 octets. */
export function makeKey(folder: string, name: string): { readonly path: string; readonly publicKey: Uint8Array } {
  const path = join(folder, name)
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', path])
  const blob = Buffer.from(readFileSync(`${path}.pub`, 'latin1').split(' ')[1] ?? '', 'base64')
  return { path, publicKey: Uint8Array.from(decodeEd25519Blob(new Uint8Array(blob), 32)) }
}

/** `ssh-ed25519 AAAA...`, as in known_hosts (after the host) and authorized_keys. */
export function publicKeyLine(publicKey: Uint8Array): string {
  return `ssh-ed25519 ${Buffer.from(encodeEd25519Blob(publicKey)).toString('base64')}`
}

/** Listen on a free port of 127.0.0.1. */
export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function freePort(): Promise<number> {
  const server = createServer()
  const port = await listen(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

export interface RunningSshd {
  readonly port: number
  readonly log: () => string
  readonly stop: () => void
}

/** A real sshd on a free port of 127.0.0.1 that lets one key in, for forwarding only. */
export async function startSshd(folder: string, hostKeyPath: string, authorizedKey: Uint8Array): Promise<RunningSshd> {
  // Debian's sshd wants its empty directory, which the init script makes.
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  const authorizedKeys = join(folder, 'authorized_keys')
  writeFileSync(authorizedKeys, `${publicKeyLine(authorizedKey)}\n`, { mode: 0o600 })
  const port = await freePort()
  const config = join(folder, 'sshd_config')
  writeFileSync(
    config,
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${hostKeyPath}`,
      `AuthorizedKeysFile ${authorizedKeys}`,
      `PidFile ${join(folder, 'sshd.pid')}`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
      'AllowTcpForwarding local',
      'LogLevel VERBOSE',
      '',
    ].join('\n'),
  )
  const sshd = spawn(SSHD, ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  sshd.stderr.on('data', (text: Buffer) => (log += text.toString()))
  await waitForPort(port, sshd, () => log)
  return { port, log: () => log, stop: () => void sshd.kill() }
}

async function waitForPort(port: number, process: ChildProcess, log: () => string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (process.exitCode !== null) throw new Error(`sshd ended: ${log()}`)
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy()
        resolve(true)
      })
      socket.on('error', () => resolve(false))
    })
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`sshd did not listen on ${port}: ${log()}`)
}
