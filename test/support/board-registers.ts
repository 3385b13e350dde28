/** Every register of the board's devices: where it is, what it holds, and which section of its manual says so. */
import type { RegisterAccess } from './register-program.js'

export interface BoardRegister {
  readonly device: string
  /** Of the device's manual. */
  readonly section: string
  readonly name: string
  readonly address: number
  /** Octets of the access it is made for. */
  readonly width: 1 | 2 | 4
  /** What it reads after reset, after all ones were stored to it, and after 0 was. Null: there is nothing, and a fault. */
  readonly values: readonly [reset: number, ones: number, zeros: number] | null
  /** Other widths: the octets that they cover, an access fault, or nothing (reads 0, stores are ignored). */
  readonly otherWidths: 'part' | 'fault' | 'nothing'
  /** Widths that fault although others do not. */
  readonly faults?: readonly number[]
  /** Stores that come first, and last, of a word or the register's width. */
  readonly before?: readonly RegisterAccess[]
  readonly after?: readonly RegisterAccess[]
  /** Why QEMU is not asked: what is different there. */
  readonly notInQemu?: string
}

type Values = BoardRegister['values']
type Rest = Partial<BoardRegister>
const always = (value: number): Values => [value, value, value]
const all = (reset = 0): Values => [reset, 0xffff_ffff, 0]

/** Rows of one device: name, offset, values, and what is special. */
function device(
  common: Pick<BoardRegister, 'device' | 'section' | 'width' | 'otherWidths'> & Rest & { base: number },
  rows: readonly (readonly [name: string, offset: number, values: Values, rest?: Rest])[],
): readonly BoardRegister[] {
  const { base, ...shared } = common
  return rows.map(([name, offset, values, rest]) => ({ ...shared, name, address: base + offset, values, ...rest }))
}

const UART = 0x1000_0000
const store = (address: number, value: number, width: 1 | 4 = 4): RegisterAccess => ({ address, width, store: value })
const withDivisor = { before: [store(UART + 3, 0x80, 1)], after: [store(UART + 3, 0, 1)], section: '8.3' }

const uart = device({ device: 'UART (PC16550D)', section: '8.0', width: 1, otherWidths: 'part', base: UART }, [
  ['receiver buffer, transmitter holding', 0, always(0), { notInQemu: 'what is written there is printed' }],
  ['interrupt enable', 1, [0, 0x0f, 0], { section: '8.7' }],
  ['interrupt identification, FIFO control', 2, [0x01, 0xc1, 0x01], { section: '8.5 and 8.6' }],
  ['line control', 3, [0, 0xff, 0], { section: '8.1' }],
  ['modem control', 4, [0x08, 0x1f, 0], { section: '8.8' }],
  ['line status', 5, always(0x60), { section: '8.4' }],
  ['modem status', 6, always(0xb0), { section: '8.9' }],
  ['scratchpad', 7, [0, 0xff, 0], { section: '8.10' }],
  ['divisor latch, low', 0, [12, 0xff, 0], withDivisor],
  ['divisor latch, high', 1, [0, 0xff, 0], withDivisor],
  ['behind the registers', 8, null],
])

const timeGoesOn = { notInQemu: 'time goes on' }
const clint = device(
  { device: 'CLINT (FU540-C000 manual)', section: '9.1', width: 4, otherWidths: 'fault', base: 0x0200_0000 },
  [
    ['msip', 0x0000, [0, 1, 0], { section: '9.2' }],
    ['msip of a hart there is none of', 0x0004, always(0), { section: '9.2' }],
    ['end of msip', 0x3ffc, always(0)],
    ['mtimecmp, low', 0x4000, all(), { section: '9.3' }],
    ['mtimecmp, high', 0x4004, all(), { section: '9.3' }],
    ['mtimecmp of a hart there is none of', 0x4008, always(0), { section: '9.3' }],
    ['before mtime', 0xbff4, always(0)],
    ['mtime, low', 0xbff8, all(), { section: '9.3', ...timeGoesOn }],
    ['mtime, high', 0xbffc, all(), { section: '9.3' }],
    ['behind mtime', 0xc000, null],
    ['the end of the map', 0xfffc, null],
  ],
)

const source0 = { notInQemu: 'source 0 does not exist: the specification hard-wires it to 0, QEMU does not everywhere' }
const PLIC_SECTIONS = {
  priority: { section: '"Interrupt Priorities"' },
  pending: { section: '"Interrupt Pending Bits"' },
  enable: { section: '"Interrupt Enables"' },
  threshold: { section: '"Priority Thresholds"' },
  claim: { section: '"Interrupt Claim Process" and "Interrupt Completion"' },
}
const plic = device(
  { device: 'PLIC (specification 1.0.0)', section: '"Memory Map"', width: 4, otherWidths: 'fault', base: 0x0c00_0000 },
  [
    ['priority of source 0', 0x00_0000, always(0), { ...PLIC_SECTIONS.priority, ...source0 }],
    ...[1, 10, 11, 95].map(
      (source) => [`priority of source ${source}`, 4 * source, [0, 7, 0], PLIC_SECTIONS.priority] as const,
    ),
    ['priority of source 97', 4 * 97, always(0), PLIC_SECTIONS.priority],
    ...[0, 1, 2, 3].map((word) => [`pending ${word}`, 0x1000 + 4 * word, always(0), PLIC_SECTIONS.pending] as const),
    ...[0, 1].flatMap(
      (context) =>
        [
          [
            `enable 0 of ${context}`,
            0x2000 + 0x80 * context,
            [0, 0xffff_fffe, 0],
            { ...PLIC_SECTIONS.enable, ...source0 },
          ],
          [`enable 1 of ${context}`, 0x2004 + 0x80 * context, all(), PLIC_SECTIONS.enable],
          [`enable 2 of ${context}`, 0x2008 + 0x80 * context, all(), PLIC_SECTIONS.enable],
          [`enable 3 of ${context}`, 0x200c + 0x80 * context, always(0), PLIC_SECTIONS.enable],
          [`threshold of ${context}`, 0x20_0000 + 0x1000 * context, [0, 7, 0], PLIC_SECTIONS.threshold],
          [`claim of ${context}`, 0x20_0004 + 0x1000 * context, always(0), PLIC_SECTIONS.claim],
          [`reserved of ${context}`, 0x20_0008 + 0x1000 * context, always(0)],
        ] as [string, number, Values, Rest?][],
    ),
    ['enable of a third context', 0x2100, always(0), PLIC_SECTIONS.enable],
    ['threshold of a third context', 0x20_2000, always(0), PLIC_SECTIONS.threshold],
    ['the last word', 0x5f_fffc, always(0)],
    ['behind it', 0x60_0000, null],
  ],
)

const finisher = device(
  {
    device: 'finisher',
    section: "QEMU's hw/misc/sifive_test.c",
    width: 4,
    otherWidths: 'part',
    faults: [1],
    base: 0x10_0000,
  },
  [
    ['finish', 0x000, always(0)],
    ['behind it', 0x004, always(0)],
    ['the last word', 0xffc, always(0)],
  ],
)

const rtc = device(
  {
    device: 'RTC (Goldfish virtual hardware)',
    section: '"Goldfish real-time clock"',
    width: 4,
    otherWidths: 'fault',
    base: 0x10_1000,
  },
  [
    // At virtual time 0, with the epoch 0, time stands still at what was stored. TIME_HIGH shows the last TIME_LOW's.
    ['TIME_LOW', 0x00, all(), timeGoesOn],
    ['TIME_HIGH', 0x04, always(0), timeGoesOn],
    ['ALARM_LOW', 0x08, all()],
    ['ALARM_HIGH', 0x0c, all()],
    ['IRQ_ENABLED', 0x10, [0, 1, 0]],
    ['CLEAR_ALARM', 0x14, always(0)],
    ['ALARM_STATUS', 0x18, always(0)],
    ['CLEAR_INTERRUPT', 0x1c, always(0)],
    ['reserved', 0x20, always(0)],
    ['behind it', 0x24, null],
    ['the end of the page', 0xffc, null],
  ],
)

const NET = 0x1000_1000
const select = (register: number, value: number): Rest => ({
  before: [store(NET + register, value)],
  after: [store(NET + register, 0)],
})
const virtio = device(
  { device: 'virtio-mmio (VIRTIO 1.1)', section: '4.2.2', width: 4, otherWidths: 'nothing', base: NET },
  [
    ['MagicValue', 0x000, always(0x7472_6976)],
    ['Version', 0x004, always(2)],
    ['DeviceID', 0x008, always(1), { section: '4.2.2 and 5.1.1' }],
    ['VendorID', 0x00c, always(0x554d_4551)],
    ['DeviceFeatures, 0 to 31', 0x010, always(0x1_0020), { section: '4.2.2 and 5.1.3' }],
    ['DeviceFeatures, 32 to 63', 0x010, always(1), { section: '4.2.2 and 6', ...select(0x014, 1) }],
    [
      'DeviceFeatures, 64 to 95',
      0x010,
      always(0),
      { ...select(0x014, 2), notInQemu: 'it has two words of features, and shows the second' },
    ],
    ['DeviceFeaturesSel', 0x014, always(0)],
    ['DriverFeatures', 0x020, always(0)],
    ['DriverFeaturesSel', 0x024, always(0)],
    ['QueueSel', 0x030, always(0)],
    ['QueueNumMax', 0x034, always(256), { notInQemu: "the device's choice: 1024 there" }],
    ['QueueNumMax of a queue there is none of', 0x034, always(0), select(0x030, 9)],
    ['QueueNum', 0x038, always(0)],
    [
      'QueueReady of a queue without a size',
      0x044,
      always(0),
      { notInQemu: 'a queue has a size from the start there' },
    ],
    ['QueueNotify', 0x050, always(0)],
    ['InterruptStatus', 0x060, always(0)],
    ['InterruptACK', 0x064, always(0)],
    [
      'Status',
      0x070,
      [0, 0xf7, 0],
      { section: '2.1 and 3.1.1', notInQemu: 'it takes FEATURES_OK from a legacy driver too' },
    ],
    ...([0x080, 0x084, 0x090, 0x094, 0x0a0, 0x0a4] as const).map((at) => ['queue address', at, always(0)] as const),
    ['shared memory length, low (VIRTIO 1.2)', 0x0b0, always(0xffff_ffff)],
    ['shared memory length, high (VIRTIO 1.2)', 0x0b4, always(0xffff_ffff)],
    ['ConfigGeneration', 0x0fc, always(0)],
    ...[0x018, 0x01c, 0x028, 0x02c, 0x03c, 0x040, 0x048, 0x054, 0x06c, 0x074, 0x0f8].map(
      (at) => [`reserved ${at.toString(16)}`, at, always(0)] as const,
    ),
    ['behind the transport', 0x200, null],
    ['the end of the page', 0xffc, null],
  ],
)
const NOT_WRITTEN = { notInQemu: 'a guest that has not agreed on VERSION_1 can set the address there' }
const virtioNet = device(
  { device: 'virtio-net (VIRTIO 1.1)', section: '5.1.4', width: 1, otherWidths: 'part', base: NET + 0x100 },
  [
    ...[0x52, 0x54, 0x00, 0x12, 0x34, 0x56].map((octet, at) => [`mac ${at}`, at, always(octet), NOT_WRITTEN] as const),
    ['status, low: link up', 6, always(1)],
    ['status, high', 7, always(0)],
    ['behind the configuration', 8, always(0xff)],
    ['the last octet', 0xff, always(0xff)],
  ],
)
const emptySlot = device(
  { device: 'a transport without a device', section: '4.2.2', width: 4, otherWidths: 'part', base: 0x1000_2000 },
  [
    ['MagicValue', 0x000, always(0x7472_6976)],
    ['Version', 0x004, always(2)],
    ['DeviceID', 0x008, always(0)],
    ['VendorID', 0x00c, always(0x554d_4551)],
    ['Status', 0x070, always(0)],
    ['configuration', 0x100, always(0)],
    ['behind the transport', 0x200, null],
    ['the last transport', 0x6008, always(0), { notInQemu: 'its first device is there' }],
    ['behind the last transport', 0x7000, null],
  ],
)

const ours = { notInQemu: 'there is no TPM there' }
const tpm = device(
  {
    device: 'TPM (PC Client Platform TPM Profile)',
    section: '6.5.3',
    width: 4,
    otherWidths: 'part',
    base: 0x0400_0000,
    ...ours,
  },
  [
    ['LOC_STATE', 0x00, always(0x81)],
    ['reserved', 0x04, always(0)],
    ['LOC_CTRL', 0x08, always(0)],
    ['LOC_STS', 0x0c, always(0)],
    ['INTF_ID, low', 0x30, always(0x2_5811)],
    ['INTF_ID, high', 0x34, always(0x1014)],
    ['CTRL_EXT', 0x38, always(0)],
    ['CTRL_REQ', 0x40, always(0)],
    ['CTRL_STS', 0x44, always(2)],
    ['CTRL_CANCEL', 0x48, [0, 1, 0]],
    ['CTRL_START', 0x4c, always(0)],
    ['INT_ENABLE', 0x50, always(0)],
    ['INT_STS', 0x54, always(0)],
    ['CTRL_CMD_SIZE', 0x58, always(3968)],
    ['CTRL_CMD_LADDR', 0x5c, always(0x0400_0080)],
    ['CTRL_CMD_HADDR', 0x60, always(0)],
    ['CTRL_RSP_SIZE', 0x64, always(3968)],
    ['CTRL_RSP_ADDR, low', 0x68, always(0x0400_0080)],
    ['CTRL_RSP_ADDR, high', 0x6c, always(0)],
    ['the first word of the buffer', 0x80, all()],
    ['the last word of the buffer', 0xffc, all()],
    ['behind the page', 0x1000, null],
  ],
)

export const BOARD_REGISTERS: readonly BoardRegister[] = [
  ...uart,
  ...clint,
  ...plic,
  ...finisher,
  ...rtc,
  ...virtio,
  ...virtioNet,
  ...emptySlot,
  ...tpm,
]

/** The widths an access at `address` can have. */
export function widthsAt(address: number): readonly (1 | 2 | 4)[] {
  return ([1, 2, 4] as const).filter((width) => address % width === 0)
}

/** What shows all that the table says of a register: loads of each width, stores of ones and zeros and of other widths. */
export function accessesTo({ address, width, before = [], after = [] }: BoardRegister): readonly RegisterAccess[] {
  const others = widthsAt(address).filter((other) => other < width)
  return [
    ...before,
    ...widthsAt(address).map((other) => ({ address, width: other })),
    ...[0xffff_ffff, 0].flatMap((value) => [
      { address, width, store: value },
      { address, width },
    ]),
    ...others.flatMap((other) => [
      { address, width: other, store: 0x5a },
      { address, width },
      { address, width, store: 0 },
    ]),
    ...after,
  ]
}
