/**
 * QEMU 7.2's section of a network device behind a memory-mapped transport (hw/virtio/virtio.c `virtio_save`,
 * virtio-mmio.c, hw/net/virtio-net.c `vmstate_virtio_net_device`). The description at the end of a stream shows all of it as one
 * field of octets; this is what is in them.
 *
 * QEMU's device has a third queue, for control, and features that ours does not offer: a guest that used them cannot go
 * on here.
 */
import type { DeviceStateDescription, StateBody, StateField } from './device-state.js'

/** VIRTIO_QUEUE_MAX: so many queues the transport has room for. */
export const QUEUES_MAX = 1024
const QUEUES = 3
const RING_OCTETS = 27
const VLAN_OCTETS = 512
export const QUEUE_SIZE_DEFAULT = 256
const CONTROL_QUEUE_SIZE = 64

const u8 = (name: string): StateField => ({ name, type: 'uint8' })
const u16 = (name: string): StateField => ({ name, type: 'uint16' })
const u32 = (name: string): StateField => ({ name, type: 'uint32' })
const u64 = (name: string): StateField => ({ name, type: 'uint64' })
const fixed = (field: StateField, value: number | bigint): StateField => ({ ...field, fixed: value })
const ignored = (field: StateField, value: number): StateField => ({ ...field, fixed: value, ignored: true })
const octets = (name: string, size: number, fill = 0): StateField => ({
  ...{ name, type: 'buffer', size },
  fixed: new Uint8Array(size).fill(fill),
})
const part = (name: string, fields: readonly StateField[]): StateField => ({
  ...{ name, type: 'struct' },
  body: { vmsdName: name, version: 1, fields },
})
const section = (vmsdName: string, fields: readonly StateField[]): StateBody => ({ vmsdName, version: 1, fields })

const rx = 'rx'
const tx = 'tx'

const queue = [u32('num'), ignored(u32('align'), 4096), u64('desc'), u16('last_avail_idx')]
const controlQueue = [
  fixed(u32('num'), CONTROL_QUEUE_SIZE),
  ignored(u32('align'), 4096),
  fixed(u64('desc'), 0n),
  fixed(u16('last_avail_idx'), 0),
]
const rings = [u64('avail'), u64('used')]
const registers: readonly StateField[] = [
  ...[u16('num'), { name: 'enabled', type: 'bool' } as const],
  ...['desc', 'avail', 'used'].map((name) => ({ ...u32(name), arrayLength: 2 })),
]

const transport: StateBody = {
  vmsdName: 'virtio_mmio',
  version: 1,
  fields: [],
  subsections: [
    section('virtio_mmio/state', [
      { ...u32('guest_features'), arrayLength: 2 },
      ...[part(rx, registers), part(tx, registers)],
      octets('other queues', (QUEUES_MAX - 2) * RING_OCTETS),
    ]),
  ],
}

const sizes = new Array<number>(QUEUES_MAX).fill(0)
sizes.splice(0, QUEUES, QUEUE_SIZE_DEFAULT, QUEUE_SIZE_DEFAULT, CONTROL_QUEUE_SIZE)

const common: StateBody = {
  vmsdName: 'virtio',
  version: 1,
  fields: [],
  subsections: [
    section('virtio/64bit_features', [u64('guest_features')]),
    section('virtio/virtqueues', [part(rx, rings), part(tx, rings), octets('other queues', (QUEUES_MAX - 2) * 16)]),
    section('virtio/ringsize', [{ ...u32('num_default'), arrayLength: QUEUES_MAX, fixed: sizes, ignored: true }]),
    section('virtio/broken', [{ name: 'broken', type: 'bool' }]),
    section('virtio/extra_state', [{ name: 'transport', type: 'struct', body: transport }]),
    section('virtio/started', [{ name: 'started', type: 'bool' }]),
  ],
}

/** What only a network device has. Its MAC table and filters stay as they are without the control queue. */
const network: readonly StateField[] = [
  { name: 'mac', type: 'buffer', size: 6 },
  ...[u32('tx_waiting'), fixed(u32('mergeable_rx_bufs'), 0), ignored(u16('link_status'), 1)],
  ...[ignored(u8('promisc'), 1), ignored(u8('allmulti'), 0), fixed(u32('mac_table.in_use'), 0)],
  { ...octets('vlans', VLAN_OCTETS, 0xff), ignored: true },
  ignored(u32('has_vnet_hdr'), 0),
  ...['multi_overflow', 'uni_overflow', 'alluni', 'nomulti', 'nouni', 'nobcast', 'has_ufo'].map((name) =>
    ignored(u8(name), 0),
  ),
]

export const VIRTIO_NET_DESCRIPTION: DeviceStateDescription = Object.freeze({
  idstr: 'virtio-mmio@0000000010001000/virtio-net',
  instanceId: 0,
  version: 11,
  vmsdName: 'virtio-net',
  fields: [
    {
      name: 'virtio',
      type: 'virtio',
      body: {
        vmsdName: 'virtio-net',
        version: 11,
        fields: [
          ...[u32('host_features_sel'), u32('guest_features_sel'), ignored(u32('guest_page_shift'), 0)],
          ...[u8('status'), u8('isr'), u16('queue_sel'), u32('guest_features')],
          ...[fixed(u32('config_len'), 8), { name: 'config.mac', type: 'buffer', size: 6 } as const],
          { name: 'config.status', type: 'buffer', size: 2, fixed: Uint8Array.of(1, 0), ignored: true },
          fixed(u32('queue count'), QUEUES),
          ...[part(rx, queue), part(tx, queue), part('control', controlQueue)],
          ...network,
          { name: 'common', type: 'struct', body: common },
        ],
      },
    },
  ],
} satisfies DeviceStateDescription)
