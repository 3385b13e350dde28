/** What `query-migrate` answers (qapi/migration.json, MigrationInfo): milliseconds and octets, in QEMU's names. */
import type { MigrationStatus } from '../../migration/migration.js'

export type RamInfo = {
  readonly transferred: number
  readonly remaining: number
  readonly total: number
  readonly duplicate: number
  readonly skipped: number
  readonly normal: number
  readonly 'normal-bytes': number
  readonly 'dirty-pages-rate': number
  readonly mbps: number
  readonly 'dirty-sync-count': number
  readonly 'postcopy-requests': number
  readonly 'page-size': number
  readonly 'multifd-bytes': number
  readonly 'pages-per-second': number
  readonly 'precopy-bytes': number
  readonly 'downtime-bytes': number
  readonly 'postcopy-bytes': number
  readonly 'dirty-sync-missed-zero-copy': number
}

export type SocketAddressInfo = {
  readonly type: 'inet'
  readonly host: string
  readonly port: string
  readonly ipv4: boolean
}

export type MigrationInfo = {
  readonly status?: MigrationStatus
  readonly 'error-desc'?: string
  readonly 'total-time'?: number
  readonly 'expected-downtime'?: number
  readonly downtime?: number
  readonly 'setup-time'?: number
  readonly ram?: RamInfo
  readonly 'xbzrle-cache'?: Readonly<Record<string, number>>
  readonly compression?: Readonly<Record<string, number>>
  readonly 'cpu-throttle-percentage'?: number
  /** Where an incoming migration is listened for. */
  readonly 'socket-address'?: readonly SocketAddressInfo[]
}
