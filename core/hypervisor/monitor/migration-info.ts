/** What `query-migrate` answers at either end: that of the source, or where the destination listens. */
import type { MigrationInfo as SourceInfo } from '../../migration/query-migrate.js'

export interface SocketAddressInfo {
  readonly type: 'inet'
  readonly host: string
  readonly port: string
  readonly ipv4: boolean
}

export interface MigrationInfo extends SourceInfo {
  /** Where an incoming migration is listened for. */
  readonly 'socket-address'?: readonly SocketAddressInfo[]
}
