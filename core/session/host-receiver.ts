/** The program that receives migrations on a host, as it was built there: what its processes are given, and what of the host they have. */
import type { ByteStream } from '../base/byte-stream.js'
import { latin1Text } from '../base/octets.js'
import { PAGE_OCTETS } from '../base/units.js'
import type { Host, MemoryReservation } from '../hypervisor/host.js'
import type { ReceiverFix } from '../hypervisor/vulnerable-receiver/fixes.js'
import { programLayout } from '../hypervisor/vulnerable-receiver/program-layout.js'
import type { ReceiverOptions } from '../hypervisor/vulnerable-receiver/emulated-process.js'
import type { Kernel } from '../kernel/kernel.js'
import type { RandomStream } from '../kernel/random.js'
import { RAM_BLOCK } from '../machine/machine.js'
import { TlsServerChannel, type TlsServerCredentials } from '../secure/tls-channel.js'
import type { ReceiverLimits, RelocationHost } from './relocation-port.js'

/** Addresses that are chosen anew have so many places, a page apart. */
const SLIDES = 256

export interface ReceiverBuild {
  readonly fixes: readonly ReceiverFix[]
  /** A secret word before a return address. */
  readonly hasCanary: boolean
  /** Its parts lie elsewhere in each process. */
  readonly hasRandomAddresses: boolean
  /** Connections come over TLS; null: as they are. */
  readonly tls: TlsServerCredentials | null
  readonly limits: ReceiverLimits
}

/** As it was in 2007. */
export const vulnerableBuild: ReceiverBuild = Object.freeze({
  fixes: [],
  hasCanary: false,
  hasRandomAddresses: false,
  tls: null,
  limits: { idleNs: null, deadlineNs: null, peerSlots: null },
})

export class HostReceiver implements RelocationHost {
  private readonly random: RandomStream

  constructor(
    private readonly kernel: Kernel,
    private readonly host: Host,
    private readonly build: ReceiverBuild,
  ) {
    this.random = kernel.random(`${host.name}/receiver`)
  }

  get name(): string {
    return this.host.name
  }

  get guestNames(): readonly string[] {
    return this.host.allVms().map(({ name }) => name)
  }

  guestPage(name: string, page: number): Uint8Array | null {
    const memory = this.host.vm(name)?.memory.find((block) => block.name === RAM_BLOCK)?.memory
    if (memory === undefined || !Number.isInteger(page) || page < 0 || page >= memory.pageCount) return null
    return memory.page(page).slice()
  }

  get limits(): ReceiverLimits {
    return this.build.limits
  }

  reserve({ name, pages }: { readonly name: Uint8Array; readonly pages: number }): MemoryReservation {
    return this.host.reserve(latin1Text(name), pages * PAGE_OCTETS)
  }

  release(reservation: MemoryReservation): void {
    this.host.release(reservation)
  }

  receiverOptions(): ReceiverOptions {
    const { build, random } = this
    const slide = (): number => (build.hasRandomAddresses ? 1 + random.below(SLIDES) : 0)
    return {
      layout: programLayout({ code: slide(), heap: slide(), stack: slide(), mapped: slide() }),
      fixes: new Set(build.fixes),
      canary: build.hasCanary ? random.u32() : null,
      checksRedZones: false,
      mappedPages: this.guestNames.flatMap((name) => this.guestPage(name, 0) ?? []),
    }
  }

  secured(lower: ByteStream): ByteStream {
    const { build, host, kernel, random } = this
    if (build.tls === null) return lower
    return new TlsServerChannel(kernel, { lower, cores: host.cores, hostName: host.name, random, ...build.tls })
  }
}
