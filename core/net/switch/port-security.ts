import type { Nanos } from '../../base/units.js'
import { isGroupMac, type MacAddress } from '../wire/addresses.js'
import { DYNAMIC, MAC_TYPES, type MacTable } from './mac-table.js'
import type { PortSecurityOptions } from './port-options.js'

const SECURE = MAC_TYPES.indexOf('secure')
const STICKY = MAC_TYPES.indexOf('sticky')
const STATIC = MAC_TYPES.indexOf('static')

/** Reports of one port are at least so far apart; the counter counts every violation. */
const REPORT_NS: Nanos = 1e9

/**
 * Which addresses may be behind a port. They stand in the switch's table as entries that neither age nor move; an address
 * that is secure at another port is as bad as one too many.
 */
export class PortSecurity {
  /** Frames that were dropped. */
  violations = 0
  lastViolator: MacAddress | null = null
  private reportedNs: Nanos = -1e9
  /** Of secure addresses; -1 when they have to be counted again. */
  private count = -1
  private hint = 0

  constructor(
    readonly options: Required<PortSecurityOptions>,
    private readonly table: MacTable,
    private readonly switchPort: number,
  ) {}

  addConfigured(vlan: number, nowNs: Nanos): void {
    for (const mac of this.options.addresses)
      this.secure(vlan, Math.floor(mac / 0x1_0000_0000), mac >>> 0, STATIC, nowNs)
  }

  /** `high` and `low` are the 16 and 32 bits of the source address. */
  check(vlan: number, high: number, low: number, nowNs: Nanos): 'known' | 'learned' | 'violation' {
    const { table, switchPort } = this
    const slot = table.slotOf(vlan, high, low, this.hint)
    if (slot >= 0) this.hint = slot
    if (slot >= 0 && table.typeAt(slot) !== DYNAMIC)
      return table.portAt(slot) === switchPort ? 'known' : this.violation(high, low)
    if (isGroupMac(high * 0x1_0000_0000) || this.addressCount() >= this.options.maximum)
      return this.violation(high, low)
    this.secure(vlan, high, low, this.options.sticky ? STICKY : SECURE, nowNs)
    return 'learned'
  }

  /** Whether a violation is worth a row in the trace now. */
  isReportDue(nowNs: Nanos): boolean {
    if (nowNs - this.reportedNs < REPORT_NS) return false
    this.reportedNs = nowNs
    return true
  }

  addressCount(): number {
    const { table, switchPort } = this
    if (this.count >= 0) return this.count
    this.count = 0
    for (let slot = 0; slot < table.slotCount; slot++)
      if (table.portAt(slot) === switchPort && table.typeAt(slot) !== DYNAMIC) this.count++
    return this.count
  }

  /** Called when addresses were taken from the table. */
  forgetCount(): void {
    this.count = -1
  }

  private violation(high: number, low: number): 'violation' {
    this.violations++
    this.lastViolator = high * 0x1_0000_0000 + low
    return 'violation'
  }

  private secure(vlan: number, high: number, low: number, type: number, nowNs: Nanos): void {
    const slot = this.table.slotOf(vlan, high, low, 0)
    if (slot >= 0) this.table.set(slot, this.switchPort, type, nowNs)
    else this.table.add(vlan, high, low, this.switchPort, type, nowNs)
    this.count = -1
  }
}
