import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../../../core/base/errors.js'
import { observeFields } from '../../../../core/migration/wire/observed-fields.js'
import {
  describeDevice,
  descriptionText,
  fieldsOctets,
  parseDescription,
} from '../../../../core/migration/wire/vmdesc.js'
import { ToyDevice } from '../../../support/toy-vm.js'

/** Part of what QEMU 7.2 wrote for its riscv32 `virt` board. */
const fromQemu =
  '{"page_size": 4096, "devices": [{"name": "cpu", "instance_id": 0, "vmsd_name": "cpu", "version": 5, "fields": ' +
  '[{"name": "env.gpr", "array_len": 32, "type": "uint32", "size": 4}, {"name": "env.pmu_ctrs", "array_len": 32, ' +
  '"type": "struct", "struct": {"vmsd_name": "cpu/pmu", "version": 1, "fields": [{"name": "mhpmcounter_val", "type": ' +
  '"uint32", "size": 4}, {"name": "started", "type": "bool", "size": 1}]}, "size": 5}], "subsections": [{"vmsd_name": ' +
  '"cpu/envcfg", "version": 1, "fields": [{"name": "env.menvcfg", "type": "uint64", "size": 8}]}]}]}'

describe('the description', () => {
  it('is spelt as QEMU spells it', () => {
    expect(descriptionText(parseDescription(fromQemu).devices)).toBe(fromQemu)
  })

  it('of our own devices comes back', () => {
    const devices = [
      describeDevice(new ToyDevice().stateDescription, {}),
      describeDevice(new ToyDevice(1).stateDescription, {}),
    ]
    expect(parseDescription(descriptionText(devices))).toEqual({ pageOctets: 4096, devices })
  })

  it.each([
    ['{', 'not JSON'],
    ['[]', 'the description is not an object'],
    ['{"page_size": 4096}', 'devices is not an array'],
    ['{"page_size": -1, "devices": []}', 'page_size is not a number of 32 bits'],
    ['{"page_size": 4096, "devices": [{"name": 3}]}', 'name is not a text'],
  ])('refuses %s', (text, reason) => {
    expect(() => parseDescription(text)).toThrow(reason)
  })

  it('refuses what is nested without end', () => {
    let struct = '{"fields": []}'
    for (let depth = 0; depth < 40; depth++)
      struct = `{"fields": [{"name": "f", "type": "struct", "size": 1, "struct": ${struct}}]}`
    const text = `{"page_size": 4096, "devices": [{"name": "d", "instance_id": 0, ${struct.slice(1)}]}`
    expect(() => parseDescription(text)).toThrow('nested too deep')
  })

  it('refuses sizes and counts that no device has', () => {
    const field = { name: 'f', type: 'uint8', size: 0xffff_ffff, arrayLength: 0xffff_ffff }
    expect(() => fieldsOctets([field])).toThrow(WireError)
    const empty = { name: 'f', type: 'uint8', size: 0, arrayLength: 0xffff_ffff }
    const body = { vmsdName: 'd', version: 1, fields: [empty], subsections: [] }
    expect(() => observeFields(body, new Uint8Array(1))).toThrow('too many fields')
  })

  it('gives a value or a WireError for any JSON', () => {
    const keys = fc.constantFrom('page_size', 'devices', 'name', 'fields', 'size', 'struct', 'subsections', 'type')
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ maxDepth: 5 }, fc.nat(9), fc.string(), fc.array(tie('tree')), fc.dictionary(keys, tie('tree'))),
    }))
    fc.assert(
      fc.property(tree, tree, (devices, value) => {
        try {
          parseDescription(JSON.stringify({ page_size: 4096, devices: [devices, value] }))
        } catch (error) {
          expect(error).toBeInstanceOf(WireError)
        }
      }),
    )
  })
})
