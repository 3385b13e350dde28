/** What a new guest's disk holds: files of text here and there, one with passwords where there are secrets to find, zeros between. */
import { latin1Octets } from '../base/octets.js'
import type { RandomStream } from '../kernel/random.js'
import { diskChunkOctets, diskChunks, type GuestDisk } from '../migration/guest-disk.js'
import { VirtualDisk } from './virtual-disk.js'

/** The drive's name, as a real QEMU would get it by `-drive id=`. */
export const DISK_NAME = 'disk0'

const FILE_OCTETS = 64 * 1024
const SERVICES = ['sshd', 'cron', 'nginx', 'postgres', 'kernel'] as const
const EVENTS = ['started', 'accepted a connection', 'closed a connection', 'wrote its state', 'is idle'] as const

/** The disk of a guest that never ran, or null for one of no octets. */
export function newDisk(octets: number, random: RandomStream, hasSecrets: boolean): VirtualDisk | null {
  if (octets === 0) return null
  const disk = new VirtualDisk(DISK_NAME, octets)
  fillDisk(disk, random, hasSecrets)
  return disk
}

/** Of four chunks of 1 MiB one stays empty; of the files' places in the others about half. */
export function fillDisk(disk: GuestDisk, random: RandomStream, hasSecrets: boolean): void {
  for (let index = 0; index < diskChunks(disk); index++) {
    if (index % 4 === 3) continue
    const chunk = new Uint8Array(diskChunkOctets(disk, index))
    for (let at = 0; at < chunk.length; at += FILE_OCTETS) {
      const file = index * 16 + at / FILE_OCTETS
      if (file > 0 && random.below(2) === 0) continue
      const text = file === 0 && hasSecrets ? settingsFile(random) : logFile(file, random)
      chunk.set(latin1Octets(text).subarray(0, FILE_OCTETS), at)
    }
    disk.writeChunk(index, chunk)
  }
}

function settingsFile(random: RandomStream): string {
  return `# /etc/shop/settings.env\nDB_HOST=10.0.0.5\nDB_USER=shop\nDB_PASSWORD=${word(random)}-${word(random)}\nSMTP_PASSWORD=${word(random)}${word(random)}\n`
}

/** A whole one: 64 KiB or nearly so. */
function logFile(file: number, random: RandomStream): string {
  const lines = [`# /var/log/archive-${file}.log`]
  const service = SERVICES[random.below(SERVICES.length)] ?? 'kernel'
  for (let octets = 0, line = 0; octets < FILE_OCTETS - 128; line++) {
    const text = `${line} ${service}[${random.below(30_000)}]: ${EVENTS[random.below(EVENTS.length)] ?? ''}`
    lines.push(text)
    octets += text.length + 1
  }
  return `${lines.join('\n')}\n`
}

/** Eight letters and digits. */
function word(random: RandomStream): string {
  let text = ''
  while (text.length < 8) text += random.below(36).toString(36)
  return text
}
