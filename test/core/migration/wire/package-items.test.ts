import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { packageItems } from '../../../../core/migration/wire/package-items.js'
import { SilentObserver } from '../../../../core/migration/wire/stream-observer.js'
import { StreamReader } from '../../../../core/migration/wire/stream-reader.js'
import { StreamWriter } from '../../../../core/migration/wire/stream-writer.js'
import { capturedStream } from '../../../support/stream-samples.js'

class PackageTaker extends SilentObserver {
  items = new Uint8Array(0)
  override packaged(items: Uint8Array): void {
    this.items = items.slice()
  }
}

describe('packageItems', () => {
  it("tells QEMU's package apart to its last octet", () => {
    const taker = new PackageTaker()
    new StreamReader(taker, { unknownDevices: 'recover' }).push(capturedStream('a_postcopy').there)
    const items = packageItems(taker.items)
    expect(items.reduce((sum, { octets }) => sum + octets, 0)).toBe(taker.items.length)
    const words = items.map((item) => (item.kind === 'device' ? item.idstr : item.command))
    expect(words.slice(0, 3)).toEqual([4, 'timer', 'cpu_common'])
    expect(words.slice(-2)).toEqual([2, 5])
    expect(words).toContain('riscv_sifive_plic')
  })

  it('finds what was written, whatever the devices hold', () => {
    const device = fc.record({
      name: fc.stringMatching(/^[a-z][a-z0-9/_.-]{0,30}$/),
      body: fc.uint8Array({ maxLength: 100 }),
    })
    fc.assert(
      fc.property(fc.array(device, { maxLength: 8 }), (devices) => {
        const writer = new StreamWriter()
        writer.ping(1)
        devices.forEach(({ name, body }, index) => {
          writer.sectionFull({ sectionId: 1000 + index, idstr: name, instanceId: index, version: 1 }, body)
        })
        writer.ping(3)
        const items = packageItems(writer.take())
        expect(items.map((item) => (item.kind === 'device' ? item.idstr : item.command))).toEqual([
          2,
          ...devices.map(({ name }) => name),
          2,
        ])
      }),
    )
  })

  it('ends with anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (octets) => {
        let offset = 0
        for (const item of packageItems(octets)) {
          expect(item.offset).toBe(offset)
          offset += item.octets
        }
        expect(offset).toBeLessThanOrEqual(octets.length)
      }),
    )
    expect(packageItems(new Uint8Array(0))).toEqual([])
  })
})
