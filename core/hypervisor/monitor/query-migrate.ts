/** The answers of `query-migrate` for the two ends of a migration (migration/migration.c, `fill_source_migration_info`). */
import { PAGE_OCTETS, type Nanos } from '../../base/units.js'
import type { MigrationDestination } from '../../migration/destination.js'
import type { MigrationSource } from '../../migration/source.js'
import type { MigrationInfo, RamInfo } from './migration-info.js'

const milliseconds = (ns: Nanos): number => Math.floor(ns / 1e6)

export function sourceMigrationInfo(source: MigrationSource, nowNs: Nanos): MigrationInfo {
  const { status, cause } = source
  switch (status) {
    case 'none':
      return {}
    case 'setup':
    case 'cancelled':
      return { status }
    case 'failed':
      return { status, ...(cause === null ? {} : { 'error-desc': cause.message }) }
    default:
      return { status, ...times(source, nowNs), ...memory(source) }
  }
}

function times(source: MigrationSource, nowNs: Nanos): MigrationInfo {
  const { startedAtNs, pausedAtNs, endedAtNs, rounds, status } = source
  const startNs = startedAtNs ?? nowNs
  const endNs = endedAtNs ?? nowNs
  const setup = { 'setup-time': milliseconds((rounds[0]?.startNs ?? endNs) - startNs) }
  const total = { 'total-time': milliseconds(endNs - startNs) }
  if (status === 'completed') return { ...total, downtime: milliseconds(endNs - (pausedAtNs ?? endNs)), ...setup }
  return { ...total, 'expected-downtime': expectedDowntime(source), ...setup }
}

/** The downtime limit until the guest's writing has been measured, then what is left at the rate measured last. */
function expectedDowntime({ statistics, measuredBandwidth, options }: MigrationSource): number {
  if (statistics.dirtyPagesRate === 0 || measuredBandwidth === 0) return milliseconds(options.downtimeLimitNs)
  return Math.floor((statistics.remaining * 1000) / measuredBandwidth)
}

function memory({ statistics, options, status }: MigrationSource): MigrationInfo {
  const { xbzrle, compression } = statistics
  const isOver = status === 'completed'
  const ram: RamInfo = {
    transferred: statistics.transferred,
    remaining: isOver ? 0 : statistics.remaining,
    total: statistics.total,
    duplicate: statistics.duplicate,
    skipped: 0,
    normal: statistics.normal,
    'normal-bytes': statistics.normal * PAGE_OCTETS,
    'dirty-pages-rate': isOver ? 0 : Math.floor(statistics.dirtyPagesRate),
    mbps: statistics.mbps,
    'dirty-sync-count': statistics.dirtySyncCount,
    'postcopy-requests': statistics.postcopyRequests,
    'page-size': PAGE_OCTETS,
    'multifd-bytes': statistics.multifdOctets,
    'pages-per-second': Math.floor(statistics.pagesPerSecond),
    'precopy-bytes': statistics.precopyOctets,
    'downtime-bytes': statistics.downtimeOctets,
    'postcopy-bytes': statistics.postcopyOctets,
    'dirty-sync-missed-zero-copy': 0,
  }
  return {
    ram,
    ...(options.xbzrle
      ? {
          'xbzrle-cache': {
            'cache-size': xbzrle.cacheSize,
            bytes: xbzrle.octets,
            pages: xbzrle.pages,
            'cache-miss': xbzrle.cacheMiss,
            'cache-miss-rate': xbzrle.cacheMissRate,
            'encoding-rate': xbzrle.encodingRate,
            overflow: xbzrle.overflow,
          },
        }
      : {}),
    ...(options.compression !== 'none' && options.multifdChannels === 0
      ? {
          compression: {
            pages: compression.pages,
            busy: compression.busy,
            'busy-rate': compression.busyRate,
            'compressed-size': compression.compressedOctets,
            'compression-rate': compression.compressionRate,
          },
        }
      : {}),
  }
}

/** `fill_destination_migration_info`: the end that receives counts nothing. */
export function destinationMigrationInfo({ status }: MigrationDestination): MigrationInfo {
  return status === 'none' ? {} : { status }
}
