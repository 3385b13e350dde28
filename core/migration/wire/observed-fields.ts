/** Device state as an observer reads it, who has only the description of the stream. */
import { WireError } from '../../base/errors.js'
import { OctetReader, readU16be, readU32be } from '../../base/octets.js'
import { QEMU_VM } from './qevm.js'
import { fieldsOctets, type BodyDescription, type FieldDescription } from './vmdesc.js'

/**
 * How long a section body is that begins at `start`: its fields, then the subsections that are there. A subsection
 * begins with 05 and the length and text of a name that the description lists; anything else ends the body.
 * Returns the length, or, negated, how many octets from `start` must be there before it can be told.
 */
export function measureBody(body: BodyDescription, octets: Uint8Array, start: number, end: number): number {
  let at = start + fieldsOctets(body.fields)
  if (body.subsections.length === 0) return at <= end ? at - start : start - at
  for (;;) {
    if (at >= end) return start - at - 1
    if (octets[at] !== QEMU_VM.SUBSECTION) return at - start
    if (at + 2 > end) return start - at - 2
    const nameOctets = octets[at + 1] ?? 0
    const bodyAt = at + 2 + nameOctets + 4
    if (bodyAt > end) return start - bodyAt
    const subsection = body.subsections.find(({ vmsdName }) => namedAt(octets, at + 2, nameOctets, vmsdName))
    if (subsection === undefined) return at - start
    const length = measureBody(subsection, octets, bodyAt, end)
    if (length < 0) return length - (bodyAt - start)
    at = bodyAt + length
  }
}

function namedAt(octets: Uint8Array, at: number, nameOctets: number, name: string): boolean {
  if (nameOctets !== name.length) return false
  for (let i = 0; i < nameOctets; i++) if (octets[at + i] !== name.charCodeAt(i)) return false
  return true
}

/** One field of a device as an observer can read it, who has only the description. */
export interface ObservedField {
  /** Such as `env.pmu_ctrs[3].started` or `cpu/pmp: env.pmp_state.pmp[0].addr_reg`. */
  readonly path: string
  readonly type: string
  readonly octets: Uint8Array
}

/** Every field of a section body, leaves only. Throws `WireError` when the body is shorter than described. */
export function observeFields(device: BodyDescription, body: Uint8Array): ObservedField[] {
  const walk = new FieldWalk()
  walk.body(device, '', new OctetReader(body, `qevm ${device.vmsdName}`))
  return walk.found
}

/** A hostile description can nest empty arrays in arrays: so many steps are enough for any real device. */
const FIELD_STEPS_MAX = 200_000

class FieldWalk {
  readonly found: ObservedField[] = []
  private steps = 0

  body(body: BodyDescription, prefix: string, reader: OctetReader): void {
    for (const field of body.fields) {
      const count = field.arrayLength ?? 1
      for (let element = 0; element < count; element++) {
        const at = field.arrayLength === undefined ? field.index : element
        this.field(field, `${prefix}${field.name}${at === undefined ? '' : `[${at}]`}`, reader)
      }
    }
    for (const subsection of body.subsections) {
      if (reader.u8('subsection') !== QEMU_VM.SUBSECTION)
        throw new WireError(reader.protocol, reader.offset - 1, `no subsection ${subsection.vmsdName}`)
      const name = reader.latin1(reader.u8('name length'), 'name')
      if (name !== subsection.vmsdName)
        throw new WireError(reader.protocol, reader.offset, `subsection ${name}, not ${subsection.vmsdName}`)
      reader.u32('version')
      this.body(subsection, `${prefix}${subsection.vmsdName}: `, reader)
    }
  }

  private field(field: FieldDescription, path: string, reader: OctetReader): void {
    if (++this.steps > FIELD_STEPS_MAX) throw new WireError(reader.protocol, reader.offset, 'too many fields')
    const octets = reader.view(field.size, path)
    if (field.struct === undefined) this.found.push({ path, type: field.type, octets })
    else this.body(field.struct, `${path}.`, new OctetReader(octets, reader.protocol))
  }
}

/** The number in an observed field of 1, 2 or 4 octets, or null. */
export function observedNumber({ octets }: ObservedField): number | null {
  if (octets.length === 1) return octets[0] ?? 0
  if (octets.length === 2) return readU16be(octets, 0)
  return octets.length === 4 ? readU32be(octets, 0) : null
}
