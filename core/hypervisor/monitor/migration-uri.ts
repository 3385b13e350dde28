/** Where a migration goes to or comes in, as QEMU writes it (migration/migration.c, `qmp_migrate`). */
import { QmpError } from '../wire/qmp.js'
import type { MigrationAddress, MonitorTarget } from './monitor-target.js'

const ELSEWHERE = ['exec:', 'unix:', 'fd:', 'vsock:', 'rdma:']

const NO_PROTOCOL = "Parameter 'uri' expects a valid migration protocol"

/** The address to migrate to. One that is none fails the migration, as in QEMU, and throws `QmpError`. */
export function outgoingAddress(target: MonitorTarget, uri: string): MigrationAddress {
  try {
    return parseMigrationUri(uri)
  } catch (error) {
    if (error instanceof QmpError) target.migrationRefused(error.message === NO_PROTOCOL ? null : error.message)
    throw error
  }
}

/** Throws `QmpError`. */
export function parseMigrationUri(uri: string): MigrationAddress {
  if (ELSEWHERE.some((protocol) => uri.startsWith(protocol)))
    throw new QmpError(`'${uri}' leads out of the virtual network: only 'tcp:HOST:PORT' does not`)
  if (!uri.startsWith('tcp:')) throw new QmpError(NO_PROTOCOL)
  const address = uri.slice('tcp:'.length)
  const [, host, port] = /^(\[[0-9a-fA-F:.]*\]|[^:,]*):([^:,]+)/.exec(address) ?? []
  if (host === undefined || port === undefined) throw new QmpError(`error parsing address '${address}'`)
  return { host, port }
}
