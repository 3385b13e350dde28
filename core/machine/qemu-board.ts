/**
 * What QEMU's board `virt` has and guests here never touch (hw/riscv/virt.c of QEMU 7.2 with `-nodefaults`): two banks of
 * flash, a boot ROM, PCI without cards, fw_cfg. On the stream they are as QEMU has them after reset; a stream on which
 * they are not is refused, because a guest that used them cannot go on here.
 */
import { PAGE_OCTETS } from '../base/units.js'
import { FixedDevice, type DeviceStateDescription, type StateField, type StatefulDevice } from './device-state.js'
import { IdleMemory } from './idle-memory.js'

const FLASH_OCTETS = 32 * 1024 * 1024
const ROM_OCTETS = 0xf000

/** Of `info[0]` on: vendor Red Hat, device of the generic host bridge, class and subsystem (hw/pci-host/gpex.c). */
const HOST_BRIDGE = [0x36, 0x1b, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0x06]
const HOST_BRIDGE_SUBSYSTEM_AT = 0x2c
const HOST_BRIDGE_SUBSYSTEM = [0xf4, 0x1a, 0, 0x11]

function hostBridgeConfiguration(): Uint8Array {
  const octets = new Uint8Array(256)
  octets.set(HOST_BRIDGE)
  octets.set(HOST_BRIDGE_SUBSYSTEM, HOST_BRIDGE_SUBSYSTEM_AT)
  return octets
}

const pciDevice: StateField = {
  name: 'parent_obj',
  type: 'struct',
  body: {
    vmsdName: 'PCIDevice',
    version: 2,
    fields: [
      { name: 'version_id', type: 'int32 le', fixed: 2 },
      { name: 'config[0]', type: 'pci config', size: 256, fixed: hostBridgeConfiguration() },
      { name: 'irq_state', type: 'pci irq state', size: 16, fixed: new Uint8Array(16) },
    ],
  },
}

function device(name: string, version: number, fields: readonly StateField[]): DeviceStateDescription {
  return Object.freeze({ idstr: name, instanceId: 0, vmsdName: name, version, fields })
}

const GPEX_ROOT = Object.freeze({ ...device('gpex_root', 1, [pciDevice]), idstr: '0000:00:00.0/gpex_root' })
const PCI_HOST = device('PCIHost', 1, [{ name: 'config_reg', type: 'uint32', fixed: 0 }])
const PCI_BUS = device('PCIBUS', 1, [
  { name: 'nirq', type: 'int32 equal', fixed: 4 },
  { name: 'irq_count', type: 'int32', arrayLength: 4, fixed: 0 },
])
/** `status` 0x80: the bank is ready. */
const FLASH = device('pflash_cfi01', 1, [
  { name: 'wcycle', type: 'uint8', fixed: 0 },
  { name: 'cmd', type: 'uint8', fixed: 0 },
  { name: 'status', type: 'uint8', fixed: 0x80 },
  { name: 'counter', type: 'uint64', fixed: 0n },
])
const FW_CFG: DeviceStateDescription = Object.freeze({
  ...device('fw_cfg', 2, [
    { name: 'cur_entry', type: 'uint16', fixed: 0 },
    { name: 'cur_offset[1]', type: 'uint32', fixed: 0 },
  ]),
  subsections: [
    { vmsdName: 'fw_cfg/dma', version: 0, fields: [{ name: 'dma_addr', type: 'uint64', fixed: 0n } as const] },
  ],
})

/** The devices by their places among the others on the stream, and the blocks before and behind RAM. */
export class QemuBoardParts {
  readonly pci: readonly StatefulDevice[] = [GPEX_ROOT, PCI_HOST, PCI_BUS].map((each) => new FixedDevice(each))
  readonly flash: readonly StatefulDevice[] = [0, 1].map(
    (instanceId) => new FixedDevice(Object.freeze({ ...FLASH, instanceId })),
  )
  readonly firmwareConfiguration: StatefulDevice = new FixedDevice(FW_CFG)
  readonly flashMemory = [0, 1].map((bank) => ({
    name: `virt.flash${bank}`,
    memory: new IdleMemory(FLASH_OCTETS / PAGE_OCTETS),
  }))
  readonly romMemory = { name: 'riscv_virt_board.mrom', memory: new IdleMemory(ROM_OCTETS / PAGE_OCTETS) }
}
