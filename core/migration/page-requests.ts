/** What the guest asked for and has not got (QEMU's `page_requested`): each page is asked for once a connection. */
import type { Nanos } from '../base/units.js'
import type { Kernel } from '../kernel/kernel.js'
import type { MigratableVm, PageWaiter, RamBlock, UserfaultListener } from './guest-memory.js'
import { PAGE_OCTETS } from '../base/units.js'
import type { ReturnPathMessage } from './wire/return-path.js'

interface PageRequest {
  readonly block: number
  readonly page: number
  readonly askedNs: Nanos
  /** Since when the virtual CPU stands still for it, or null. */
  stalledNs: Nanos | null
}

/** Sends requests, from inside the call. */
export interface RequestSender {
  sendRequest(message: ReturnPathMessage): void
}

export class PageRequests implements UserfaultListener {
  /** Pages asked for so far. */
  count = 0
  /** How long the virtual CPU has stood still for pages that came (QEMU's `postcopy-blocktime`). */
  blocktimeNs: Nanos = 0
  private readonly open = new Map<string, PageRequest>()
  /** The block that was last named on this connection. */
  private namedBlock = -1

  constructor(
    private readonly kernel: Kernel,
    private readonly vm: MigratableVm,
    private readonly migration: number,
    private readonly sender: RequestSender,
  ) {}

  pageMissed(block: number, page: number, waiter: PageWaiter): void {
    const key = `${block}/${page}`
    let request = this.open.get(key)
    if (request === undefined) {
      request = { block, page, askedNs: this.kernel.nowNs, stalledNs: null }
      this.open.set(key, request)
      this.count++
      this.ask(request)
    }
    if (waiter === 'vcpu') request.stalledNs ??= this.kernel.nowNs
  }

  pageArrived(block: number, page: number): void {
    const key = `${block}/${page}`
    const request = this.open.get(key)
    if (request === undefined) return
    this.open.delete(key)
    const { nowNs: arrivedNs, trace } = this.kernel
    const { askedNs, stalledNs } = request
    const blockedNs = stalledNs === null ? 0 : arrivedNs - stalledNs
    this.blocktimeNs += blockedNs
    const { name } = this.vm.memory[block] as RamBlock
    trace.add('migration-fault', { migration: this.migration, block: name, page, askedNs, arrivedNs, blockedNs })
  }

  /** Ask again for what did not come: on a new connection. */
  askAgain(): void {
    this.namedBlock = -1
    for (const request of this.open.values()) this.ask(request)
  }

  private ask({ block, page }: PageRequest): void {
    const { name } = this.vm.memory[block] as RamBlock
    const isNamed = block === this.namedBlock
    this.namedBlock = block
    this.sender.sendRequest({
      kind: 'REQ_PAGES',
      block: isNamed ? null : name,
      offset: page * PAGE_OCTETS,
      octets: PAGE_OCTETS,
    })
  }
}
