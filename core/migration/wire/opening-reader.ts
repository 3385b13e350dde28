/** Reads what a migration stream begins with: its file header and the configuration section (migration/savevm.c). */
import { latin1Text, readU32be } from '../../base/octets.js'
import { PAGE_OCTETS } from '../../base/units.js'
import { QEMU_VM, QEMU_VM_FILE_MAGIC, QEMU_VM_FILE_VERSION } from './qevm.js'
import type { StreamCursor } from './stream-cursor.js'
import type { StreamObserver } from './stream-observer.js'

const MACHINE_NAME_OCTETS_MAX = 256
const CAPABILITIES_MAX = 64

export class OpeningReader {
  /** RAM blocks are announced with their addresses (capability `x-ignore-shared`). */
  sendsAddresses = false
  private stage: 'header' | 'configuration' | 'subsections' | 'over' = 'header'

  constructor(
    private readonly observer: StreamObserver,
    private readonly cursor: StreamCursor,
  ) {}

  /** An item follows. */
  get isOver(): boolean {
    return this.stage === 'over'
  }

  /** Read one thing from `start`. Returns the octets it took, or WAIT. */
  read(octets: Uint8Array, start: number, end: number): number {
    switch (this.stage) {
      case 'header':
        return this.readHeader(octets, start, end)
      case 'configuration':
        return this.readConfiguration(octets, start, end)
      case 'subsections':
        return this.readSubsection(octets, start, end)
      case 'over':
        return 0
    }
  }

  private readHeader(octets: Uint8Array, start: number, end: number): number {
    if (end - start < 8) return this.cursor.wait(8)
    if (readU32be(octets, start) !== QEMU_VM_FILE_MAGIC) throw this.cursor.refused(0, 'does not begin with QEVM')
    const version = readU32be(octets, start + 4)
    if (version !== QEMU_VM_FILE_VERSION)
      throw this.cursor.refused(4, `version ${version}, not ${QEMU_VM_FILE_VERSION}`)
    this.stage = 'configuration'
    return 8
  }

  private readConfiguration(octets: Uint8Array, start: number, end: number): number {
    if (octets[start] !== QEMU_VM.CONFIGURATION) {
      this.stage = 'over'
      return 0
    }
    if (end - start < 5) return this.cursor.wait(5)
    const length = readU32be(octets, start + 1)
    if (length > MACHINE_NAME_OCTETS_MAX) throw this.cursor.refused(1, `machine name of ${length} octets`)
    if (end - start < 5 + length) return this.cursor.wait(5 + length)
    this.observer.configuration(latin1Text(octets.subarray(start + 5, start + 5 + length)))
    this.stage = 'subsections'
    return 5 + length
  }

  /** `configuration/capabilities`, `/target-page-bits` and `/uuid` (migration/savevm.c). */
  private readSubsection(octets: Uint8Array, start: number, end: number): number {
    if (octets[start] !== QEMU_VM.SUBSECTION) {
      this.stage = 'over'
      return 0
    }
    if (end - start < 2) return this.cursor.wait(2)
    const nameOctets = octets[start + 1] ?? 0
    const bodyAt = 2 + nameOctets + 4
    if (end - start < bodyAt) return this.cursor.wait(bodyAt)
    const name = latin1Text(octets.subarray(start + 2, start + 2 + nameOctets))
    switch (name) {
      case 'configuration/target-page-bits': {
        if (end - start < bodyAt + 4) return this.cursor.wait(bodyAt + 4)
        const bits = readU32be(octets, start + bodyAt)
        if (2 ** bits !== PAGE_OCTETS) throw this.cursor.refused(bodyAt, `pages of 2^${bits} octets`)
        return bodyAt + 4
      }
      case 'configuration/uuid':
        return end - start < bodyAt + 16 ? this.cursor.wait(bodyAt + 16) : bodyAt + 16
      case 'configuration/capabilities': {
        if (end - start < bodyAt + 4) return this.cursor.wait(bodyAt + 4)
        const count = readU32be(octets, start + bodyAt)
        if (count > CAPABILITIES_MAX) throw this.cursor.refused(bodyAt, `${count} capabilities`)
        let at = bodyAt + 4
        for (let index = 0; index < count; index++) {
          if (end - start < at + 1) return this.cursor.wait(at + 1)
          const length = octets[start + at] ?? 0
          if (end - start < at + 1 + length) return this.cursor.wait(at + 1 + length)
          const capability = latin1Text(octets.subarray(start + at + 1, start + at + 1 + length))
          if (capability === 'mapped-ram') throw this.cursor.refused(at, 'mapped-ram streams are not read')
          if (capability === 'x-ignore-shared') this.sendsAddresses = true
          at += 1 + length
        }
        return at
      }
      default:
        throw this.cursor.refused(0, `unknown subsection ${JSON.stringify(name)} of the configuration`)
    }
  }
}
