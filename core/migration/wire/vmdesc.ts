/**
 * The JSON description that follows the end of a stream (QEMU migration/savevm.c, vmstate.c): which devices were sent,
 * and each field with its size. It is what makes a stream readable to tools that do not know its devices.
 */
import { WireError } from '../../base/errors.js'
import { PAGE_OCTETS } from '../../base/units.js'
import type {
  DeviceStateDescription,
  StateBody,
  StateField,
  StateValue,
  StateValues,
} from '../../machine/device-state.js'
import { fieldOctets } from './device-codec.js'

export interface FieldDescription {
  readonly name: string
  /** QEMU's word: `uint32`, `buffer`, `int32 equal`, `struct`... */
  readonly type: string
  /** Octets of one element. */
  readonly size: number
  /** That many equal elements, back to back. */
  readonly arrayLength?: number
  /** One element of an array whose elements differ. */
  readonly index?: number
  readonly struct?: BodyDescription
}

/** Fields in wire order, then the subsections that were sent. */
export interface BodyDescription {
  readonly vmsdName: string
  readonly version: number
  readonly fields: readonly FieldDescription[]
  readonly subsections: readonly BodyDescription[]
}

export interface DeviceDescription extends BodyDescription {
  /** The section's idstr. */
  readonly name: string
  readonly instanceId: number
}

export interface VmDescription {
  readonly pageOctets: number
  readonly devices: readonly DeviceDescription[]
}

/** Nesting and counts beyond any real description: what is over is refused. */
const DEPTH_MAX = 16
const ENTRIES_MAX = 65536
const BODY_OCTETS_MAX = 16 * 1024 * 1024

/** The name a device is looked up by: idstr and instance. */
export function deviceKey(idstr: string, instanceId: number): string {
  return `${idstr}/${instanceId}`
}

/** Of a device whose state is `values`: they say which subsections are there, and how long it all is. */
export function describeDevice(description: DeviceStateDescription, values: StateValues): DeviceDescription {
  return { name: description.idstr, instanceId: description.instanceId, ...describeBody(description, values) }
}

function describeBody(
  { vmsdName, version, fields, subsections = [] }: StateBody,
  values: StateValues,
): BodyDescription {
  const present = subsections.filter((subsection) => subsection.vmsdName in values)
  return {
    vmsdName,
    version,
    fields: fields.map((field) => describeField(field, values[field.name])),
    subsections: present.map((subsection) => describeBody(subsection, values[subsection.vmsdName] as StateValues)),
  }
}

function describeField(field: StateField, value: StateValue = {}): FieldDescription {
  const { name, type, arrayLength, body } = field
  const length = arrayLength === undefined ? {} : { arrayLength }
  if (body === undefined) return { name, type, size: fieldOctets({ ...field, arrayLength: 1 }), ...length }
  const struct = describeBody(body, (Array.isArray(value) ? value[0] : value) as StateValues)
  return { name, type, size: bodyOctets(struct), ...length, ...(type === 'struct' ? { struct } : {}) }
}

/** Octets of a body with the subsections that were sent. */
function bodyOctets({ fields, subsections }: BodyDescription): number {
  let octets = fieldsOctets(fields)
  for (const subsection of subsections) octets += 1 + 1 + subsection.vmsdName.length + 4 + bodyOctets(subsection)
  return octets
}

/** The text QEMU 7.2 would write: its key order, its spacing. */
export function descriptionText(devices: readonly DeviceDescription[]): string {
  const list = devices.map(
    (device) => `{"name": ${JSON.stringify(device.name)}, "instance_id": ${device.instanceId}, ${bodyMembers(device)}}`,
  )
  return `{"page_size": ${PAGE_OCTETS}, "devices": [${list.join(', ')}]}`
}

function bodyMembers({ vmsdName, version, fields, subsections }: BodyDescription): string {
  const members = [
    `"vmsd_name": ${JSON.stringify(vmsdName)}`,
    `"version": ${version}`,
    `"fields": [${fields.map(fieldText).join(', ')}]`,
  ]
  if (subsections.length > 0)
    members.push(`"subsections": [${subsections.map((body) => `{${bodyMembers(body)}}`).join(', ')}]`)
  return members.join(', ')
}

function fieldText({ name, type, size, arrayLength, index, struct }: FieldDescription): string {
  const members = [`"name": ${JSON.stringify(name)}`]
  if (index !== undefined) members.push(`"index": ${index}`)
  if (arrayLength !== undefined) members.push(`"array_len": ${arrayLength}`)
  members.push(`"type": ${JSON.stringify(type)}`)
  if (struct !== undefined) members.push(`"struct": {${bodyMembers(struct)}}`)
  members.push(`"size": ${size}`)
  return `{${members.join(', ')}}`
}

/** Read a description. Throws `WireError` (its offsets are 0: it is a text) when it is not one. */
export function parseDescription(text: string): VmDescription {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw refused('not JSON')
  }
  return new DescriptionParser().vm(value)
}

function refused(reason: string): WireError {
  return new WireError('vmdesc', 0, reason)
}

class DescriptionParser {
  private entries = 0

  vm(value: unknown): VmDescription {
    const members = this.members(value, 'the description')
    return {
      pageOctets: this.count(members['page_size'], 'page_size'),
      devices: this.list(members['devices'], 'devices').map((device) => {
        const inner = this.members(device, 'a device')
        return {
          name: this.text(inner['name'], 'name'),
          instanceId: this.count(inner['instance_id'], 'instance_id'),
          ...this.body(inner, 0),
        }
      }),
    }
  }

  private body(members: Readonly<Record<string, unknown>>, depth: number): BodyDescription {
    if (depth > DEPTH_MAX) throw refused('nested too deep')
    return {
      vmsdName: members['vmsd_name'] === undefined ? '' : this.text(members['vmsd_name'], 'vmsd_name'),
      version: members['version'] === undefined ? 0 : this.count(members['version'], 'version'),
      fields: this.list(members['fields'], 'fields').map((field) => this.field(field, depth)),
      subsections:
        members['subsections'] === undefined
          ? []
          : this.list(members['subsections'], 'subsections').map((body) =>
              this.body(this.members(body, 'a subsection'), depth + 1),
            ),
    }
  }

  private field(value: unknown, depth: number): FieldDescription {
    const members = this.members(value, 'a field')
    const { array_len: arrayLength, index, struct } = members
    return {
      name: this.text(members['name'], 'name'),
      type: this.text(members['type'], 'type'),
      size: this.count(members['size'], 'size'),
      ...(arrayLength === undefined ? {} : { arrayLength: this.count(arrayLength, 'array_len') }),
      ...(index === undefined ? {} : { index: this.count(index, 'index') }),
      ...(struct === undefined ? {} : { struct: this.body(this.members(struct, 'struct'), depth + 1) }),
    }
  }

  private members(value: unknown, what: string): Readonly<Record<string, unknown>> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refused(`${what} is not an object`)
    if (++this.entries > ENTRIES_MAX) throw refused('too many entries')
    return value as Readonly<Record<string, unknown>>
  }

  private list(value: unknown, what: string): readonly unknown[] {
    if (!Array.isArray(value)) throw refused(`${what} is not an array`)
    return value
  }

  private text(value: unknown, what: string): string {
    if (typeof value !== 'string') throw refused(`${what} is not a text`)
    return value
  }

  private count(value: unknown, what: string): number {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 0xffff_ffff)
      throw refused(`${what} is not a number of 32 bits`)
    return value
  }
}

/** Octets of the fields of a body, without its subsections. Throws `WireError` when over 16 MiB. */
export function fieldsOctets(fields: readonly FieldDescription[]): number {
  let octets = 0
  for (const { size, arrayLength } of fields) octets += size * (arrayLength ?? 1)
  if (octets > BODY_OCTETS_MAX) throw refused(`fields of ${octets} octets`)
  return octets
}
