/**
 * virtio network device behind a memory-mapped transport, version 2 (Virtual I/O Device specification 1.1, sections 4.2.2
 * and 5.1; QEMU's hw/virtio/virtio-mmio.c). Features offered: VERSION_1, MAC and STATUS, so a frame is preceded by a
 * header of 12 octets, all 0 but the number of buffers. Queue 0 receives, queue 1 transmits.
 *
 * The device keeps no frame: one that arrives when the guest has no buffer for it is dropped, as a real card does, and
 * frames it has sent belong to whoever calls `takeFrames`. So what moves with the machine is registers and ring positions.
 */
import type { FrameSink } from '../base/frame-sink.js'
import { concatOctets } from '../base/octets.js'
import type { StatefulDevice, StateValues } from './device-state.js'
import type { Ram } from './ram.js'
import { StateReader } from './state-values.js'
import { QUEUES_MAX, VIRTIO_NET_DESCRIPTION } from './virtio-net-description.js'
import { QUEUE_SIZE_MAX, type Chain, Virtqueue } from './virtqueue.js'
import { isDefaultSize, join, loadedQueue, savedQueue, savedRegisters, savedRings } from './virtqueue-state.js'

/** Registers of the transport (table 4.1). */
const REGISTER = {
  magic: 0x000,
  version: 0x004,
  deviceId: 0x008,
  vendorId: 0x00c,
  deviceFeatures: 0x010,
  deviceFeaturesSel: 0x014,
  driverFeatures: 0x020,
  driverFeaturesSel: 0x024,
  queueSel: 0x030,
  queueNumMax: 0x034,
  queueNum: 0x038,
  queueReady: 0x044,
  queueNotify: 0x050,
  interruptStatus: 0x060,
  interruptAck: 0x064,
  status: 0x070,
  queueDescLow: 0x080,
  queueDescHigh: 0x084,
  queueDriverLow: 0x090,
  queueDriverHigh: 0x094,
  queueDeviceLow: 0x0a0,
  queueDeviceHigh: 0x0a4,
  shmLenLow: 0x0b0,
  shmLenHigh: 0x0b4,
  configGeneration: 0x0fc,
  config: 0x100,
} as const

export const VIRTIO_MAGIC = 0x7472_6976
const DEVICE_NETWORK = 1
export const VENDOR_QEMU = 0x554d_4551
const FEATURES_LOW = (1 << 5) | (1 << 16) // VIRTIO_NET_F_MAC, VIRTIO_NET_F_STATUS
const FEATURES_HIGH = 1 // VIRTIO_F_VERSION_1
const STATUS_DRIVER_OK = 4
const STATUS_FEATURES_OK = 8
const STATUS_NEEDS_RESET = 64
const INTERRUPT_USED = 1
const INTERRUPT_CONFIG = 2
const NET_S_LINK_UP = 1

const RECEIVE = 0
const TRANSMIT = 1
const HEADER_OCTETS = 12
const FRAME_OCTETS_MAX = 1514
/** Frames kept for a guest whose pages are on their way, about as many as a tap's queue holds. */
const HELD_FRAMES_MAX = 512
/** `num_buffers` is 1: a frame never spans chains (section 5.1.6.4). */
const RECEIVE_HEADER = Object.freeze([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0])

export class VirtioNet implements StatefulDevice, FrameSink {
  readonly stateDescription = VIRTIO_NET_DESCRIPTION
  /** Frames that came while the guest could not take them. For statistics: not part of the state. */
  droppedFrames = 0
  private mac: Uint8Array
  private status = 0
  private interruptStatus = 0
  private queueSel = 0
  private deviceFeaturesSel = 0
  private driverFeaturesSel = 0
  private driverFeaturesLow = 0
  private driverFeaturesHigh = 0
  private readonly queues: readonly [Virtqueue, Virtqueue]
  private sent: Uint8Array[] = []
  /** Frames that came while a page they need was missing; of no migration's state, which begins with none missing. */
  private held: Uint8Array[] = []
  private mustTransmit = false

  /** `mac` has 6 octets. */
  constructor(
    private readonly ram: Ram,
    mac: Uint8Array,
  ) {
    this.mac = mac.slice()
    this.queues = [new Virtqueue(ram), new Virtqueue(ram)]
  }

  /** Frames the guest has sent since the last call. */
  takeFrames(): Uint8Array[] {
    const frames = this.sent
    this.sent = []
    return frames
  }

  /** An Ethernet frame for the guest, without frame check sequence. Dropped if the guest has no buffer for it. */
  receiveFrame(frame: Uint8Array): void {
    const queue = this.queues[RECEIVE]
    const isTaken = this.isWorking() && queue.isReady && frame.length <= FRAME_OCTETS_MAX
    const chain = !isTaken ? null : this.held.length > 0 ? 'missing' : queue.take()
    if (chain === null) this.droppedFrames++
    else if (chain === 'missing') {
      if (this.held.length < HELD_FRAMES_MAX) this.held.push(frame)
      else this.droppedFrames++
    } else if (chain === 'broken') this.needReset()
    else {
      const octets = concatOctets([Uint8Array.from(RECEIVE_HEADER), frame])
      let written = 0
      for (const { offset, length, isWritable } of chain.buffers) {
        if (!isWritable) continue
        const part = octets.subarray(written, written + length)
        this.ram.write(offset, part)
        written += part.length
      }
      if (written < octets.length) this.droppedFrames++
      queue.finish(chain, written === octets.length ? written : 0)
      this.interruptUnlessQuiet(queue)
    }
  }

  /** The page of RAM that the device waits for, or -1. */
  get missingPage(): number {
    const [receive, transmit] = this.queues
    if (this.held.length > 0) return receive.missingPage
    return this.mustTransmit ? transmit.missingPage : -1
  }

  /** Pages have arrived: go on with what waited for them. */
  retry(): void {
    const { held } = this
    this.held = []
    for (const frame of held) this.receiveFrame(frame)
    if (this.mustTransmit) this.transmit()
  }

  isInterrupting(): boolean {
    return this.interruptStatus !== 0
  }

  load(offset: number, width: number): number {
    if (offset >= REGISTER.config) return this.loadConfig(offset - REGISTER.config, width)
    if (width !== 4) return 0 // section 4.2.2.2 forbids it to the driver; QEMU answers 0
    const queue = this.queues[this.queueSel]
    switch (offset) {
      case REGISTER.magic:
        return VIRTIO_MAGIC
      case REGISTER.version:
        return 2
      case REGISTER.deviceId:
        return DEVICE_NETWORK
      case REGISTER.vendorId:
        return VENDOR_QEMU
      case REGISTER.deviceFeatures:
        return this.deviceFeaturesSel === 0 ? FEATURES_LOW : this.deviceFeaturesSel === 1 ? FEATURES_HIGH : 0
      case REGISTER.queueNumMax:
        return queue === undefined ? 0 : QUEUE_SIZE_MAX
      case REGISTER.queueReady:
        return queue?.isReady === true ? 1 : 0
      case REGISTER.interruptStatus:
        return this.interruptStatus
      case REGISTER.status:
        return this.status
      case REGISTER.shmLenLow:
      case REGISTER.shmLenHigh:
        return 0xffff_ffff // no shared memory
      default:
        return 0
    }
  }

  store(offset: number, width: number, value: number): boolean {
    if (offset >= REGISTER.config) return true // nothing there can be written
    if (width !== 4) return true
    switch (offset) {
      case REGISTER.deviceFeaturesSel:
        this.deviceFeaturesSel = value
        break
      case REGISTER.driverFeaturesSel:
        this.driverFeaturesSel = value
        break
      case REGISTER.driverFeatures:
        if (this.driverFeaturesSel === 0) this.driverFeaturesLow = value
        else if (this.driverFeaturesSel === 1) this.driverFeaturesHigh = value
        break
      case REGISTER.queueSel:
        if (value < QUEUES_MAX) this.queueSel = value
        break
      case REGISTER.queueNotify:
        if (value === TRANSMIT) this.transmit()
        break
      case REGISTER.interruptAck:
        this.interruptStatus &= ~value
        break
      case REGISTER.status:
        this.setStatus(value & 0xff)
        break
      default: {
        const queue = this.queues[this.queueSel]
        if (queue !== undefined) storeQueueRegister(queue, offset, value)
      }
    }
    return true
  }

  /** A device that nobody uses is as a new one, and has no section. */
  isNeeded(): boolean {
    const registers = [this.status, this.interruptStatus, this.queueSel, this.deviceFeaturesSel, this.driverFeaturesSel]
    const features = [this.driverFeaturesLow, this.driverFeaturesHigh]
    return [...registers, ...features].some((value) => value !== 0) || this.queues.some((queue) => queue.isUsed())
  }

  saveState(): StateValues {
    const [rx, tx] = this.queues
    const { driverFeaturesLow: low, driverFeaturesHigh: high, status } = this
    // QEMU takes the driver's features over when the driver is done with them.
    const hasFeatures = (status & STATUS_FEATURES_OK) !== 0
    const hasHighFeatures = hasFeatures && high !== 0
    return {
      virtio: {
        host_features_sel: this.deviceFeaturesSel,
        guest_features_sel: this.driverFeaturesSel,
        status,
        isr: this.interruptStatus,
        queue_sel: this.queueSel,
        guest_features: hasFeatures ? (low & FEATURES_LOW) >>> 0 : 0,
        'config.mac': this.mac.slice(),
        rx: savedQueue(rx),
        tx: savedQueue(tx),
        mac: this.mac.slice(),
        tx_waiting: this.mustTransmit ? 1 : 0,
        common: {
          ...(hasHighFeatures
            ? { 'virtio/64bit_features': { guest_features: join(FEATURES_HIGH, (low & FEATURES_LOW) >>> 0) } }
            : {}),
          'virtio/virtqueues': { rx: savedRings(rx), tx: savedRings(tx) },
          ...(this.queues.every(({ size }) => isDefaultSize(size)) ? {} : { 'virtio/ringsize': {} }),
          ...((status & STATUS_NEEDS_RESET) === 0 ? {} : { 'virtio/broken': { broken: true } }),
          'virtio/extra_state': {
            transport: {
              'virtio_mmio/state': { guest_features: [low, high], rx: savedRegisters(rx), tx: savedRegisters(tx) },
            },
          },
          ...((status & STATUS_DRIVER_OK) === 0 ? {} : { 'virtio/started': { started: true } }),
        },
      },
    }
  }

  loadState(values: StateValues): void {
    const state = new StateReader('virtio-net', values).struct('virtio')
    const common = state.struct('common')
    const transport = common.subsection('virtio/extra_state')?.struct('transport').subsection('virtio_mmio/state')
    if (transport === null || transport === undefined)
      return common.refuse(
        'virtio/extra_state',
        'missing: the transport is of version 1 (virtio-mmio.force-legacy=true)',
      )
    const features = common.subsection('virtio/64bit_features')?.u64('guest_features') ?? 0n
    const mac = state.octets('mac', 6)
    const [driverFeaturesLow, driverFeaturesHigh] = transport.numbers('guest_features', 2, 0xffff_ffff)
    const registers = {
      mac,
      status: state.number('status', 0xff),
      interruptStatus: state.number('isr', INTERRUPT_USED | INTERRUPT_CONFIG),
      queueSel: state.number('queue_sel', QUEUES_MAX - 1),
      deviceFeaturesSel: state.u32('host_features_sel'),
      driverFeaturesSel: state.u32('guest_features_sel'),
      driverFeaturesLow,
      driverFeaturesHigh,
    }
    if ((features & ~join(FEATURES_HIGH, FEATURES_LOW)) !== 0n || (state.u32('guest_features') & ~FEATURES_LOW) !== 0)
      state.refuse('guest_features', 'features that this device does not offer')
    const isWaiting = state.number('tx_waiting', 1) === 1
    const queues = (['rx', 'tx'] as const).map((name) => loadedQueue(state.struct(name), transport.struct(name)))
    Object.assign(this, registers)
    for (const [index, queue] of this.queues.entries()) Object.assign(queue, queues[index])
    if (isWaiting) this.transmit()
  }

  /** Section 5.1.4: the MAC address, then the link status. Behind them all bits are set, as in QEMU. */
  private loadConfig(offset: number, width: number): number {
    const config = Uint8Array.of(...this.mac, NET_S_LINK_UP, 0)
    let value = 0
    for (let i = width - 1; i >= 0; i--)
      value = (value << 8) | (offset + width > config.length ? 0xff : config[offset + i]!)
    return value >>> 0
  }

  private setStatus(value: number): void {
    if (value === 0) {
      this.status = this.interruptStatus = this.queueSel = 0
      this.deviceFeaturesSel = this.driverFeaturesSel = 0
      this.driverFeaturesLow = this.driverFeaturesHigh = 0
      for (const queue of this.queues) queue.reset()
      this.held = []
      this.mustTransmit = false
      return
    }
    // Section 3.1.1: FEATURES_OK stays set only for a subset of what was offered, and without VERSION_1 there is no header.
    const isAcceptable = (this.driverFeaturesLow & ~FEATURES_LOW) === 0 && this.driverFeaturesHigh === FEATURES_HIGH
    this.status = (value & (isAcceptable ? 0xff : ~STATUS_FEATURES_OK)) | (this.status & STATUS_NEEDS_RESET)
  }

  private isWorking(): boolean {
    const needed = STATUS_DRIVER_OK | STATUS_FEATURES_OK
    return (this.status & needed) === needed && (this.status & STATUS_NEEDS_RESET) === 0
  }

  /** The driver broke its side of the contract (section 2.1.1). */
  private needReset(): void {
    this.status |= STATUS_NEEDS_RESET
    this.interruptStatus |= INTERRUPT_CONFIG
  }

  private transmit(): void {
    const queue = this.queues[TRANSMIT]
    if (!this.isWorking() || !queue.isReady) return
    let sentAny = false
    this.mustTransmit = false
    for (let chain = queue.take(); chain !== null; chain = queue.take()) {
      if (chain === 'broken') return this.needReset()
      if (chain === 'missing') {
        this.mustTransmit = true
        break
      }
      const frame = this.gather(chain)
      if (frame !== null) this.sent.push(frame)
      queue.finish(chain, 0)
      sentAny = true
    }
    if (sentAny) this.interruptUnlessQuiet(queue)
  }

  /** The frame of a transmit chain, or null for what is not one: too short for its header, or too long. */
  private gather({ buffers }: Chain): Uint8Array | null {
    let length = 0
    for (const buffer of buffers) if (!buffer.isWritable) length += buffer.length
    if (length <= HEADER_OCTETS || length > HEADER_OCTETS + FRAME_OCTETS_MAX) return null
    const readable = buffers.filter((buffer) => !buffer.isWritable)
    return concatOctets(
      readable.map((buffer) => this.ram.octets.subarray(buffer.offset, buffer.offset + buffer.length)),
    ).subarray(HEADER_OCTETS)
  }

  private interruptUnlessQuiet(queue: Virtqueue): void {
    if (!queue.isQuiet()) this.interruptStatus |= INTERRUPT_USED
  }
}

function storeQueueRegister(queue: Virtqueue, offset: number, value: number): void {
  switch (offset) {
    case REGISTER.queueNum:
      // Section 2.6: a power of two; anything else leaves the queue without entries. A queue in use keeps its size.
      if (!queue.isReady) queue.size = value <= QUEUE_SIZE_MAX && (value & (value - 1)) === 0 ? value : 0
      break
    case REGISTER.queueReady:
      queue.isReady = (value & 1) !== 0 && queue.size > 0
      break
    case REGISTER.queueDescLow:
      queue.descriptorLow = value
      break
    case REGISTER.queueDescHigh:
      queue.descriptorHigh = value
      break
    case REGISTER.queueDriverLow:
      queue.driverLow = value
      break
    case REGISTER.queueDriverHigh:
      queue.driverHigh = value
      break
    case REGISTER.queueDeviceLow:
      queue.deviceLow = value
      break
    case REGISTER.queueDeviceHigh:
      queue.deviceHigh = value
      break
  }
}
