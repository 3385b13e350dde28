/**
 * Device state to octets and back (QEMU docs/devel/migration/main.rst, migration/vmstate.c, vmstate-types.c): fields in
 * the order of the description, big-endian, without lengths or padding; then the subsections that are needed, each
 *
 *     05   length of the name (u8)   name   version (u32)   fields and subsections
 */
import { assert, WireError } from '../../base/errors.js'
import { equalOctets, latin1Text, OctetReader, OctetWriter, readU32be } from '../../base/octets.js'
import {
  NUMBER_OCTETS,
  type DeviceStateDescription,
  type StateBody,
  type StateField,
  type StateValue,
  type StateValues,
} from '../../machine/device-state.js'
import { QEMU_VM } from './qevm.js'

type Scalar = number | bigint | boolean
type NumberType = keyof typeof NUMBER_OCTETS

/** The section body of a device. `values` must have every field of the description that is not fixed. */
export function encodeDeviceState(description: DeviceStateDescription, values: StateValues): Uint8Array {
  const writer = new OctetWriter()
  writeBody(writer, description, values, description.idstr)
  return writer.take()
}

function writeBody(writer: OctetWriter, body: StateBody, values: StateValues, path: string): void {
  for (const field of body.fields) writeField(writer, field, field.fixed ?? values[field.name], `${path}.${field.name}`)
  for (const subsection of body.subsections ?? []) {
    const { vmsdName, version } = subsection
    const inner = values[vmsdName]
    if (inner === undefined) continue
    writer.u8(QEMU_VM.SUBSECTION).u8(vmsdName.length).latin1(vmsdName).u32(version)
    writeBody(writer, subsection, inner as StateValues, vmsdName)
  }
}

function writeField(writer: OctetWriter, field: StateField, value: StateValue | undefined, path: string): void {
  const { arrayLength } = field
  if (arrayLength === undefined) return writeElement(writer, field, value, path)
  const elements = Array.isArray(value)
    ? (value as readonly StateValue[])
    : new Array<StateValue | undefined>(arrayLength).fill(field.fixed)
  assert(elements.length === arrayLength, `${path} is not ${arrayLength} values`)
  for (const element of elements) writeElement(writer, field, element, path)
}

function writeElement(writer: OctetWriter, field: StateField, value: StateValue | undefined, path: string): void {
  const { type, size, body } = field
  if (isNumberType(type)) writeNumber(writer, type, value as Scalar, path)
  else if (body !== undefined) writeBody(writer, body, (value ?? {}) as StateValues, path)
  else {
    assert(value instanceof Uint8Array && value.length === size, `${path} is not ${size} octets`)
    writer.octets(value)
  }
}

function writeNumber(writer: OctetWriter, type: NumberType, value: Scalar, path: string): void {
  const octets = NUMBER_OCTETS[type]
  if (type === 'bool') {
    assert(typeof value === 'boolean', `${path} is not a bool`)
    writer.u8(value ? 1 : 0)
  } else if (octets === 8) {
    assert(typeof value === 'bigint', `${path} is not a bigint`)
    const bits = BigInt.asUintN(64, value)
    writer.u32(Number(bits >> 32n)).u32(Number(bits & 0xffff_ffffn))
  } else {
    const isInRange = typeof value === 'number' && value >= 0 && value < 2 ** (8 * octets)
    assert(isInRange, `${path} is not of ${8 * octets} bits: ${value}`)
    if (octets === 1) writer.u8(value)
    else if (octets === 2) writer.u16(value)
    else writer.u32(value)
  }
}

/**
 * The inverse of `encodeDeviceState`. Throws `WireError` for a bool that is neither 0 nor 1, a fixed field that has
 * another value, an unknown or second subsection, or a wrong length.
 */
export function decodeDeviceState(description: DeviceStateDescription, octets: Uint8Array): StateValues {
  const reader = new OctetReader(octets, `qevm ${description.idstr}`)
  const values = readBody(reader, description)
  if (reader.remaining > 0)
    throw new WireError(reader.protocol, reader.offset, `${reader.remaining} octets are left over`)
  return values
}

function readBody(reader: OctetReader, body: StateBody): StateValues {
  const values: Record<string, StateValue> = {}
  for (const field of body.fields) {
    const at = reader.offset
    const value = readField(reader, field)
    if (field.fixed === undefined) {
      if (field.type !== 'struct' || Object.keys(value).length > 0) values[field.name] = value
    } else if (field.ignored !== true && !isFixed(value, field.fixed))
      throw new WireError(
        reader.protocol,
        at,
        `${field.name} is ${valueText(value)}, on this machine it is always ${valueText(field.fixed)}`,
      )
  }
  while (reader.remaining > 0) {
    const at = reader.offset
    const found = subsectionAt(body, reader.octets, at, reader.octets.length)
    if (found === null) break
    if (typeof found === 'number') throw new WireError(reader.protocol, at, 'a subsection that is cut')
    if (found.vmsdName in values) throw new WireError(reader.protocol, at, `a second subsection ${found.vmsdName}`)
    reader.view(2 + found.vmsdName.length, 'subsection')
    reader.u32('version')
    values[found.vmsdName] = readBody(reader, found)
  }
  return values
}

function checkVersion({ vmsdName, version }: StateBody, sent: number, at: number): void {
  if (sent !== version) throw new WireError('qevm', at, `subsection ${vmsdName} of version ${sent}, not ${version}`)
}

function readField(reader: OctetReader, field: StateField): StateValue {
  if (field.arrayLength === undefined) return readElement(reader, field)
  return Array.from({ length: field.arrayLength }, () => readElement(reader, field))
}

function readElement(reader: OctetReader, { name, type, size = 0, body }: StateField): StateValue {
  if (isNumberType(type)) return readNumber(reader, type, name)
  return body === undefined ? reader.view(size, name).slice() : readBody(reader, body)
}

function readNumber(reader: OctetReader, type: NumberType, name: string): Scalar {
  if (type === 'bool') {
    const octet = reader.u8(name)
    if (octet > 1) throw new WireError(reader.protocol, reader.offset - 1, `${name} is a bool of value ${octet}`)
    return octet === 1
  }
  switch (NUMBER_OCTETS[type]) {
    case 1:
      return reader.u8(name)
    case 2:
      return reader.u16(name)
    case 4:
      return reader.u32(name)
    case 8: {
      const bits = (BigInt(reader.u32(name)) << 32n) | BigInt(reader.u32(name))
      return type === 'int64' ? BigInt.asIntN(64, bits) : bits
    }
  }
}

function isFixed(value: StateValue, fixed: StateValue): boolean {
  if (value instanceof Uint8Array) return fixed instanceof Uint8Array && equalOctets(value, fixed)
  if (!Array.isArray(value)) return value === fixed
  return value.every((element, index) => element === (Array.isArray(fixed) ? (fixed as unknown[])[index] : fixed))
}

function valueText(value: StateValue): string {
  if (typeof value === 'number' || typeof value === 'bigint') return `0x${value.toString(16)}`
  return typeof value === 'boolean' ? String(value) : 'something else'
}

function isNumberType(type: StateField['type']): type is NumberType {
  return type in NUMBER_OCTETS
}

/**
 * How long the body of a known device is that begins at `start`. Returns the length, or, negated, how many octets from
 * `start` must be there before it can be told. Throws `WireError` for an unknown subsection.
 */
export function measureState(body: StateBody, octets: Uint8Array, start: number, end: number): number {
  let at = start
  for (const field of body.fields) {
    if (field.body === undefined) {
      at += fieldOctets(field)
      continue
    }
    for (let element = 0; element < (field.arrayLength ?? 1); element++) {
      const length = measureState(field.body, octets, at, end)
      if (length < 0) return length - (at - start)
      at += length
    }
  }
  if (body.subsections === undefined) return at <= end ? at - start : start - at
  for (;;) {
    if (at >= end) return start - at - 1
    const found = subsectionAt(body, octets, at, end)
    if (found === null) return at - start
    if (typeof found === 'number') return -(at - start + found)
    const bodyAt = at + 2 + found.vmsdName.length + 4
    const length = measureState(found, octets, bodyAt, end)
    if (length < 0) return length - (bodyAt - start)
    at = bodyAt + length
  }
}

/** Octets of a field that is no struct. */
export function fieldOctets({ type, size = 0, arrayLength = 1 }: StateField): number {
  return (isNumberType(type) ? NUMBER_OCTETS[type] : size) * arrayLength
}

/**
 * The subsection of `body` that begins at `at`, with its header whole; null when none does there; or how many octets from
 * `at` on must be there before it can be told. QEMU too goes by the name: it begins with that of the body.
 */
function subsectionAt(body: StateBody, octets: Uint8Array, at: number, end: number): StateBody | number | null {
  if (octets[at] !== QEMU_VM.SUBSECTION) return null
  if (at + 2 > end) return 2
  const headerOctets = 2 + (octets[at + 1] ?? 0) + 4
  if (at + headerOctets > end) return headerOctets
  const name = latin1Text(octets.subarray(at + 2, at + headerOctets - 4))
  if (!name.startsWith(`${body.vmsdName}/`)) return null
  const found = body.subsections?.find(({ vmsdName }) => vmsdName === name)
  if (found === undefined)
    throw new WireError('qevm', at, `subsection ${JSON.stringify(name)}: this machine has no such thing`)
  checkVersion(found, readU32be(octets, at + headerOctets - 4), at)
  return found
}
