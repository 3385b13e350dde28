/** What a stream does to the VM it arrives in: pages into memory, state into devices, and nothing that does not fit. */
import { WireError } from '../base/errors.js'
import { readU32be } from '../base/octets.js'
import { PAGE_OCTETS } from '../base/units.js'
import type { DeviceStateDescription, StatefulDevice } from '../machine/device-state.js'
import type { MigratableVm, RamBlock } from './guest-memory.js'
import { IncomingDisk } from './incoming-disk.js'
import { decodeDeviceState } from './wire/device-codec.js'
import { inflatePage } from './wire/page-zlib.js'
import { IncomingPostcopy, type PostcopyState } from './incoming-postcopy.js'
import type { PageRequests } from './page-requests.js'
import { decodeBlockName } from './wire/postcopy.js'
import { MIG_CMD, type RamBlockSize, type SectionHeader } from './wire/qevm.js'
import { RESUME_ACK_VALUE, type ReturnPathMessage } from './wire/return-path.js'
import { SilentObserver } from './wire/stream-observer.js'
import { StreamReader } from './wire/stream-reader.js'
import { deviceKey } from './wire/vmdesc.js'
import { applyXbzrle } from './wire/xbzrle.js'

const zeroPage = new Uint8Array(PAGE_OCTETS)
/** Answers that wait: a source asks for a few at a time. */
const REPLIES_MAX = 256

export class IncomingState extends SilentObserver {
  zeroPages = 0
  normalPages = 0
  compressedPages = 0
  devicesLoaded = 0
  /** How often the records of a RAM section ended. */
  sectionsEnded = 0
  /** The source opened the return path. */
  returnPathOpen = false
  /** To be sent on the return path. */
  readonly replies: ReturnPathMessage[] = []
  private machineTypeSeen = false
  /** The VM's blocks in the order the stream announced them, and where the VM itself has them. */
  private blocks: readonly RamBlock[] = []
  private blockIndexes: readonly number[] = []
  private readonly missing: Map<string, StatefulDevice>
  private readonly postcopy: IncomingPostcopy
  readonly disk: IncomingDisk
  private inPackage = false
  /** The connection broke after the guest began to run here: until POSTCOPY_RESUME. */
  isPaused = false

  constructor(
    private readonly vm: MigratableVm,
    /** Who asks for pages; null where nothing runs meanwhile. */
    private readonly requests: PageRequests | null,
    /** A machine that starts anew: neither its RAM comes nor devices, but for what it keeps while it is off. */
    private readonly isCold = false,
    /** Its disk comes too; else it is where both hosts reach it. */
    copiesStorage = false,
  ) {
    super()
    this.disk = new IncomingDisk(copiesStorage ? (vm.disk ?? null) : null)
    this.postcopy = new IncomingPostcopy(vm)
    this.missing = new Map(
      (isCold ? (vm.permanentDevices ?? []) : vm.devices).map((device) => [
        deviceKey(device.stateDescription.idstr, device.stateDescription.instanceId),
        device,
      ]),
    )
  }

  /** The sections that can be read, by `deviceKey`. */
  knownDevices(): ReadonlyMap<string, DeviceStateDescription> {
    return new Map([...this.missing].map(([key, { stateDescription }]) => [key, stateDescription]))
  }

  get postcopyState(): PostcopyState {
    return this.postcopy.state
  }

  override configuration(machineType: string): void {
    if (machineType !== this.vm.machineType)
      throw refused(
        `machine type is ${JSON.stringify(machineType)}, this one is ${JSON.stringify(this.vm.machineType)}`,
      )
    this.machineTypeSeen = true
  }

  override memorySize(announced: readonly RamBlockSize[]): void {
    if (!this.machineTypeSeen) throw refused('no configuration: the machine type is not known')
    const own = new Map(this.vm.memory.map((block) => [block.name, block]))
    this.blocks = announced.map(({ name, octets }) => {
      const block = own.get(name)
      if (block === undefined) throw refused(`RAM block ${JSON.stringify(name)} does not exist here`)
      const ownOctets = block.memory.pageCount * PAGE_OCTETS
      if (octets !== ownOctets) throw refused(`RAM block ${name} has ${octets} octets, here it has ${ownOctets}`)
      return block
    })
    if (announced.length !== own.size) throw refused(`${announced.length} RAM blocks, this machine has ${own.size}`)
    this.blockIndexes = this.blocks.map((block) => this.vm.memory.indexOf(block))
  }

  override page(block: number, offset: number, octets: Uint8Array): void {
    if (!this.placed(block, offset, octets)) this.memory(block).write(offset, octets)
    this.normalPages++
  }

  override filledPage(block: number, offset: number, fill: number): void {
    if (fill !== 0) throw refused(`a page filled with ${fill}: only zero is allowed`)
    const memory = this.memory(block)
    if (!this.placed(block, offset, zeroPage) && !memory.isZero(offset / PAGE_OCTETS)) memory.write(offset, zeroPage)
    this.zeroPages++
  }

  override xbzrlePage(block: number, offset: number, encoded: Uint8Array): void {
    if (this.postcopy.isListening) throw refused('an XBZRLE page after the switch to post-copy')
    const memory = this.memory(block)
    const octets = memory.page(offset / PAGE_OCTETS).slice()
    applyXbzrle(octets, encoded)
    memory.write(offset, octets)
    this.normalPages++
  }

  override compressedPage(block: number, offset: number, compressed: Uint8Array): void {
    if (this.postcopy.isListening) throw refused('a compressed page after the switch to post-copy')
    const octets = inflatePage(compressed)
    if (!this.placed(block, offset, octets)) this.memory(block).write(offset, octets)
    this.compressedPages++
  }

  override diskChunk(device: string, sector: number, octets: Uint8Array | null): void {
    if (!this.machineTypeSeen) throw refused('no configuration: the machine type is not known')
    if (this.postcopy.isListening) throw refused('a chunk of a disk after the switch to post-copy')
    this.disk.chunk(device, sector, octets)
  }

  override endOfRecords(): void {
    this.sectionsEnded++
  }

  channelPage(block: string, offset: number, octets: Uint8Array): void {
    this.namedMemory(block, offset).write(offset, octets)
  }

  channelZeroPage(block: string, offset: number): void {
    const memory = this.namedMemory(block, offset)
    if (!memory.isZero(offset / PAGE_OCTETS)) memory.write(offset, zeroPage)
  }

  /** The memory a page of an extra connection belongs to: the main stream's list of blocks came before. */
  private namedMemory(name: string, offset: number): RamBlock['memory'] {
    const memory = this.blocks.find((block) => block.name === name)?.memory
    if (memory === undefined) throw refused(`RAM block ${JSON.stringify(name)} was not announced`)
    if (offset / PAGE_OCTETS >= memory.pageCount) throw refused(`page at ${offset} of block ${name}, which ends before`)
    return memory
  }

  override deviceSection(header: SectionHeader, body: Uint8Array): void {
    const key = deviceKey(header.idstr, header.instanceId)
    const device = this.missing.get(key)
    if (device === undefined) throw refused(`a second section of ${key}`)
    device.loadState(decodeDeviceState(device.stateDescription, body))
    this.missing.delete(key)
    this.devicesLoaded++
  }

  override command(command: number, data: Uint8Array): void {
    switch (command) {
      case MIG_CMD.OPEN_RETURN_PATH:
        this.returnPathOpen = true
        return
      case MIG_CMD.PING:
        if (data.length !== 4) throw refused(`a ping of ${data.length} octets`)
        return this.reply({ kind: 'PONG', value: readU32be(data, 0) })
      case MIG_CMD.SWITCHOVER_START:
        return
      case MIG_CMD.POSTCOPY_ADVISE:
        if (this.blocks.length > 0) throw refused('POSTCOPY_ADVISE after RAM has begun')
        return this.postcopy.advise(data)
      case MIG_CMD.POSTCOPY_RAM_DISCARD:
        return this.postcopy.discard(data)
      case MIG_CMD.POSTCOPY_LISTEN:
        if (!this.inPackage || this.blocks.length === 0)
          throw refused('POSTCOPY_LISTEN without a package, or without RAM')
        return this.postcopy.listen()
      case MIG_CMD.POSTCOPY_RUN:
        this.checkDevices()
        return this.postcopy.run()
      case MIG_CMD.RECV_BITMAP: {
        const block = decodeBlockName(data)
        return this.reply({ kind: 'RECV_BITMAP', block, bitmap: this.postcopy.receivedBitmap(block) })
      }
      case MIG_CMD.POSTCOPY_RESUME:
        if (!this.isPaused) throw refused('POSTCOPY_RESUME, but nothing was paused')
        this.isPaused = false
        return this.reply({ kind: 'RESUME_ACK', value: RESUME_ACK_VALUE })
      default:
        throw refused(`command ${command} is not supported`)
    }
  }

  /** The items are read at once; QEMU too acts on none before it has all. */
  override packaged(items: Uint8Array): void {
    if (this.inPackage) throw refused('a package in a package')
    const before = this.postcopyState
    if (before !== 'advise' && before !== 'discard') throw refused(`a package in state ${before}`)
    this.inPackage = true
    const reader = new StreamReader(this, {
      devices: this.knownDevices(),
      unknownDevices: 'refuse',
      start: 'items',
    })
    reader.push(items)
    if (this.postcopyState !== 'running') throw refused('a package that ends before the guest may run')
    this.inPackage = false
  }

  override sectionStart(): void {
    if (this.inPackage) throw refused('RAM or a disk in a package')
  }

  override endOfState(): void {
    if (this.inPackage) throw refused('the state ended inside a package')
    if (this.isCold) {
      if (!this.machineTypeSeen) throw refused('no configuration: the machine type is not known')
      if (this.blocks.length > 0) throw refused('the memory of a guest that starts anew')
      return this.checkDevices()
    }
    if (this.blocks.length !== this.vm.memory.length) throw refused('the state ended without RAM')
    this.checkDevices()
    const missingPages = this.vm.userfault?.missingPages ?? 0
    if (missingPages > 0) throw refused(`the state ended, ${missingPages} pages never came`)
  }

  private checkDevices(): void {
    this.disk.checkWhole()
    const key = [...this.missing].find(([, device]) => device.isNeeded === undefined)?.[0]
    if (key !== undefined) throw refused(`the state ended without device ${key}`)
  }

  private reply(message: ReturnPathMessage): void {
    if (!this.returnPathOpen) throw refused(`an answer ${message.kind} is asked for, but there is no return path`)
    if (this.replies.length === REPLIES_MAX) throw refused(`over ${REPLIES_MAX} answers asked for at once`)
    this.replies.push(message)
  }

  /** Post-copy: a page that is missing is placed, one that is not is newer here. False: pages are simply written. */
  private placed(block: number, offset: number, octets: Uint8Array): boolean {
    const index = this.blockIndexes[block] ?? -1
    const page = offset / PAGE_OCTETS
    if (this.postcopy.state !== 'none') this.postcopy.arrived(index, page)
    if (!this.postcopy.isListening) return false
    if (this.vm.userfault?.placePage(index, page, octets) === true) this.requests?.pageArrived(index, page)
    return true
  }

  private memory(block: number): RamBlock['memory'] {
    const found = this.blocks[block]
    if (found === undefined) throw refused(`no RAM block ${block}`)
    return found.memory
  }
}

function refused(reason: string): WireError {
  return new WireError('qevm', 0, reason)
}
