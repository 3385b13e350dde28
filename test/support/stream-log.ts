import { hexOf } from '../../core/base/octets.js'
import type { RamBlockSize, SectionHeader } from '../../core/migration/wire/qevm.js'
import type { StreamObserver } from '../../core/migration/wire/stream-observer.js'

/** Writes down what a reader tells, one line a call; page content as its first octets. */
export class StreamLog implements StreamObserver {
  readonly lines: string[] = []

  configuration(machineType: string): void {
    this.lines.push(`configuration ${machineType}`)
  }
  sectionStart({ sectionId, idstr, instanceId, version }: SectionHeader): void {
    this.lines.push(`start ${sectionId} ${idstr} ${instanceId} v${version}`)
  }
  sectionPart(sectionId: number): void {
    this.lines.push(`part ${sectionId}`)
  }
  sectionEnd(sectionId: number): void {
    this.lines.push(`end ${sectionId}`)
  }
  memorySize(blocks: readonly RamBlockSize[]): void {
    this.lines.push(`blocks ${blocks.map(({ name, octets }) => `${name}:${octets}`).join(' ')}`)
  }
  page(block: number, offset: number, octets: Uint8Array): void {
    this.lines.push(`page ${block} ${offset} ${octets.length} ${hexOf(octets.subarray(0, 4))}`)
  }
  filledPage(block: number, offset: number, fill: number): void {
    this.lines.push(`filled ${block} ${offset} ${fill}`)
  }
  xbzrlePage(block: number, offset: number, encoded: Uint8Array): void {
    this.lines.push(`xbzrle ${block} ${offset} ${hexOf(encoded)}`)
  }
  compressedPage(block: number, offset: number, compressed: Uint8Array): void {
    this.lines.push(`compressed ${block} ${offset} ${compressed.length}`)
  }
  multifdFlush(): void {
    this.lines.push('multifd flush')
  }
  diskChunk(device: string, sector: number, octets: Uint8Array | null): void {
    this.lines.push(`disk ${device} ${sector} ${octets === null ? 'zero' : hexOf(octets.subarray(0, 4))}`)
  }
  endOfRecords(): void {
    this.lines.push('end of records')
  }
  deviceSection({ sectionId, idstr, instanceId }: SectionHeader, body: Uint8Array): void {
    this.lines.push(`device ${sectionId} ${idstr} ${instanceId} ${hexOf(body)}`)
  }
  command(command: number, data: Uint8Array): void {
    this.lines.push(`command ${command} ${hexOf(data)}`)
  }
  packaged(items: Uint8Array): void {
    this.lines.push(`packaged ${hexOf(items)}`)
  }
  endOfState(): void {
    this.lines.push('end of state')
  }
  description(json: string): void {
    this.lines.push(`description ${json.trimEnd()}`)
  }
  unreadDevices(octets: Uint8Array, reason: string): void {
    this.lines.push(`unread ${octets.length}: ${reason}`)
  }
}
