/** What a stream does to the VM it arrives in: pages into memory, state into devices, and nothing that does not fit. */
import { WireError } from '../base/errors.js'
import { readU32be } from '../base/octets.js'
import { PAGE_OCTETS } from '../base/units.js'
import type { DeviceStateDescription, StatefulDevice } from '../machine/device-state.js'
import type { MigratableVm, RamBlock } from './guest-memory.js'
import { decodeDeviceState } from './wire/device-codec.js'
import { MIG_CMD, type RamBlockSize, type SectionHeader } from './wire/qevm.js'
import type { ReturnPathMessage } from './wire/return-path.js'
import { SilentObserver } from './wire/stream-observer.js'
import { deviceKey } from './wire/vmdesc.js'
import { applyXbzrle } from './wire/xbzrle.js'

const zeroPage = new Uint8Array(PAGE_OCTETS)

export class IncomingState extends SilentObserver {
  zeroPages = 0
  normalPages = 0
  devicesLoaded = 0
  /** The source opened the return path. */
  returnPathOpen = false
  /** To be sent on the return path. */
  readonly replies: ReturnPathMessage[] = []
  private machineTypeSeen = false
  /** The VM's blocks in the order the stream announced them. */
  private blocks: readonly RamBlock[] = []
  private readonly missing: Map<string, StatefulDevice>

  constructor(private readonly vm: MigratableVm) {
    super()
    this.missing = new Map(
      vm.devices.map((device) => [
        deviceKey(device.stateDescription.idstr, device.stateDescription.instanceId),
        device,
      ]),
    )
  }

  /** The sections that can be read, by `deviceKey`. */
  knownDevices(): ReadonlyMap<string, DeviceStateDescription> {
    return new Map([...this.missing].map(([key, { stateDescription }]) => [key, stateDescription]))
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
  }

  override page(block: number, offset: number, octets: Uint8Array): void {
    this.memory(block).write(offset, octets)
    this.normalPages++
  }

  override filledPage(block: number, offset: number, fill: number): void {
    if (fill !== 0) throw refused(`a page filled with ${fill}: only zero is allowed`)
    const memory = this.memory(block)
    if (!memory.isZero(offset / PAGE_OCTETS)) memory.write(offset, zeroPage)
    this.zeroPages++
  }

  override xbzrlePage(block: number, offset: number, encoded: Uint8Array): void {
    const memory = this.memory(block)
    const octets = memory.page(offset / PAGE_OCTETS).slice()
    applyXbzrle(octets, encoded)
    memory.write(offset, octets)
    this.normalPages++
  }

  override compressedPage(): void {
    throw refused('compressed pages are not supported')
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
    if (command === MIG_CMD.OPEN_RETURN_PATH) this.returnPathOpen = true
    else if (command === MIG_CMD.PING) {
      if (data.length !== 4) throw refused(`a ping of ${data.length} octets`)
      if (!this.returnPathOpen) throw refused('a ping, but no return path')
      this.replies.push({ kind: 'PONG', value: readU32be(data, 0) })
    } else if (command !== MIG_CMD.SWITCHOVER_START) throw refused(`command ${command} is not supported`)
  }

  override packaged(): void {
    throw refused('post-copy is not supported')
  }

  override endOfState(): void {
    if (this.blocks.length !== this.vm.memory.length) throw refused('the state ended without RAM')
    const key = [...this.missing].find(([, device]) => device.isNeeded === undefined)?.[0]
    if (key !== undefined) throw refused(`the state ended without device ${key}`)
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
