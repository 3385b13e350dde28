/** The device sections at the end of a stream, as they are told apart once its description has come. */
import { FOOTER_OCTETS, type SectionHeader } from '../../migration/wire/qevm.js'
import { SilentObserver } from '../../migration/wire/stream-observer.js'
import type { DeviceDescription } from '../../migration/wire/vmdesc.js'

interface RecoveredSection {
  readonly headerOctets: number
  readonly bodyOctets: number
  readonly description: DeviceDescription
}

export class RecoveredSections extends SilentObserver {
  readonly sections: RecoveredSection[] = []
  descriptionOctets = 0
  private at = 0

  constructor(private readonly tail: Uint8Array) {
    super()
  }
  override deviceSection(_header: SectionHeader, body: Uint8Array, description: DeviceDescription): void {
    const bodyAt = body.byteOffset - this.tail.byteOffset
    this.sections.push({ headerOctets: bodyAt - this.at, bodyOctets: body.length, description })
    this.at = bodyAt + body.length + FOOTER_OCTETS
  }
  override description(json: string): void {
    this.descriptionOctets = json.length
  }
}
