import { describe, expect, it } from 'vitest'
import { copyGraph } from '../../../core/base/snapshot.js'
import { DISK_NAME, fillDisk } from '../../../core/hypervisor/disk-contents.js'
import { VirtualDisk } from '../../../core/hypervisor/virtual-disk.js'
import { RandomStream } from '../../../core/kernel/random.js'
import { DISK_CHUNK_OCTETS } from '../../../core/migration/guest-disk.js'

const OCTETS = 4 * DISK_CHUNK_OCTETS + 64 * 1024

function filled(seed = 'a', hasSecrets = true): VirtualDisk {
  const disk = new VirtualDisk(DISK_NAME, OCTETS)
  fillDisk(disk, new RandomStream(seed), hasSecrets)
  return disk
}

describe('VirtualDisk', () => {
  it('keeps what is written over the border of two chunks, and logs both', () => {
    const disk = new VirtualDisk(DISK_NAME, OCTETS)
    disk.write(0, Uint8Array.of(1))
    disk.startDirtyLog()
    disk.write(2 * DISK_CHUNK_OCTETS - 1, Uint8Array.of(8, 9))
    expect(disk.takeDirty()).toEqual([1, 2])
    expect(disk.takeDirty()).toEqual([])
    expect([disk.chunk(1)?.at(-1), disk.chunk(2)?.[0], disk.chunk(3)]).toEqual([8, 9, null])
    expect(() => disk.write(OCTETS - 1, Uint8Array.of(1, 2))).toThrow('ends before')
  })

  it('counts the octets that differ from another', () => {
    const [disk, other] = [filled(), filled()]
    expect(disk.differingOctets(other)).toBe(0)
    other.write(OCTETS - 1, Uint8Array.of((other.chunk(4)?.at(-1) ?? 0) + 1))
    other.write(3 * DISK_CHUNK_OCTETS, Uint8Array.of(1, 1))
    expect(disk.differingOctets(other)).toBe(3)
    expect(disk.differingOctets(new VirtualDisk('x', OCTETS - 512))).toBeGreaterThan(512)
  })

  it('is not changed by what is written to its copy', () => {
    const disk = filled()
    const copied = copyGraph(disk)
    copied.write(0, Uint8Array.of(0))
    expect(disk.differingOctets(copied)).toBe(1)
  })

  it('has contents by the seed: text, an empty chunk, a password where there are secrets', () => {
    expect(filled('a').differingOctets(filled('a'))).toBe(0)
    expect(filled('a').differingOctets(filled('b'))).toBeGreaterThan(1000)
    expect(filled().chunk(3)).toBeNull()
    const text = (disk: VirtualDisk): string => String.fromCharCode(...(disk.chunk(0)?.subarray(0, 100) ?? []))
    expect(text(filled())).toContain('DB_PASSWORD=')
    expect(text(filled('a', false))).toContain('/var/log/')
  })
})
