/** What QMP's `query-migrate` answers (QEMU 7.2 qapi/migration.json `MigrationInfo`, migration/migration.c `fill_source_migration_info`). */
import { PAGE_OCTETS, type Nanos } from '../base/units.js'
import type { MigrationStatus } from './migration.js'
import type { MigrationSource } from './source.js'
import type { CompressionStatistics, MigrationStatistics, XbzrleStatistics } from './statistics.js'

/** Times in milliseconds, sizes in octets, rates a second; a member that QEMU leaves out in a status is left out here. */
export interface MigrationInfo {
  readonly status?: MigrationStatus
  readonly 'total-time'?: number
  /** What the guest would stand still for if it were stopped now, as far as is known. */
  readonly 'expected-downtime'?: number
  readonly downtime?: number
  readonly 'setup-time'?: number
  readonly ram?: RamInfo
  /** Of a disk that is moved in the stream; QEMU leaves it out once the migration is over. */
  readonly disk?: RamInfo
  readonly 'xbzrle-cache'?: XbzrleInfo
  readonly compression?: CompressionInfo
  readonly 'cpu-throttle-percentage'?: number
  readonly 'error-desc'?: string
}

interface RamInfo {
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
  readonly 'dirty-sync-missed-zero-copy': number
  readonly 'postcopy-requests': number
  readonly 'page-size': number
  readonly 'multifd-bytes': number
  readonly 'pages-per-second': number
  readonly 'precopy-bytes': number
  readonly 'downtime-bytes': number
  readonly 'postcopy-bytes': number
}

interface XbzrleInfo {
  readonly 'cache-size': number
  readonly bytes: number
  readonly pages: number
  readonly 'cache-miss': number
  readonly 'cache-miss-rate': number
  readonly 'encoding-rate': number
  readonly overflow: number
}

interface CompressionInfo {
  readonly pages: number
  readonly busy: number
  readonly 'busy-rate': number
  readonly 'compressed-size': number
  readonly 'compression-rate': number
}

/** Of the migration that `source` sends, or of none: then there is nothing to say. */
export function queryMigrate(source: MigrationSource | null, nowNs: Nanos): MigrationInfo {
  if (source === null || source.status === 'none') return {}
  const { status } = source
  switch (status) {
    case 'setup':
    case 'cancelled':
      return { status }
    case 'failed':
      return { status, ...(source.cause === null ? {} : { 'error-desc': source.cause.message }) }
    default:
      return { status, ...timeInfo(source, nowNs), ...ramInfo(source) }
  }
}

const inMilliseconds = (spanNs: Nanos): number => Math.floor(spanNs / 1e6)

function timeInfo(source: MigrationSource, nowNs: Nanos): Partial<MigrationInfo> {
  const startedNs = source.startedAtNs ?? nowNs
  const times = {
    'total-time': inMilliseconds((source.endedAtNs ?? nowNs) - startedNs),
    'setup-time': inMilliseconds((source.activeAtNs ?? nowNs) - startedNs),
  }
  if (source.status === 'completed') return { ...times, downtime: inMilliseconds(source.downtimeNs ?? 0) }
  return { ...times, 'expected-downtime': inMilliseconds(source.expectedDowntimeNs) }
}

function ramInfo(source: MigrationSource): Partial<MigrationInfo> {
  const { statistics, options, throttlePercent } = source
  const info: Partial<MigrationInfo> = { ram: ramStatistics(statistics) }
  return {
    ...info,
    ...(options.xbzrle ? { 'xbzrle-cache': xbzrleStatistics(statistics.xbzrle) } : {}),
    ...(options.compression !== 'none' && options.multifdChannels === 0
      ? { compression: compressionStatistics(statistics.compression) }
      : {}),
    ...(source.diskStatistics === null || source.isOver ? {} : { disk: { ...noRam, ...source.diskStatistics } }),
    ...(throttlePercent > 0 ? { 'cpu-throttle-percentage': throttlePercent } : {}),
  }
}

/** What QEMU's type for memory has to say of a disk beside its sizes. */
const noRam: RamInfo = Object.freeze({
  transferred: 0,
  remaining: 0,
  total: 0,
  duplicate: 0,
  skipped: 0,
  normal: 0,
  'normal-bytes': 0,
  'dirty-pages-rate': 0,
  mbps: 0,
  'dirty-sync-count': 0,
  'dirty-sync-missed-zero-copy': 0,
  'postcopy-requests': 0,
  'page-size': 0,
  'multifd-bytes': 0,
  'pages-per-second': 0,
  'precopy-bytes': 0,
  'downtime-bytes': 0,
  'postcopy-bytes': 0,
})

function ramStatistics(statistics: MigrationStatistics): RamInfo {
  return {
    transferred: statistics.transferred,
    remaining: statistics.remaining,
    total: statistics.total,
    duplicate: statistics.duplicate,
    skipped: 0,
    normal: statistics.normal,
    'normal-bytes': statistics.normal * PAGE_OCTETS,
    'dirty-pages-rate': statistics.dirtyPagesRate,
    mbps: statistics.mbps,
    'dirty-sync-count': statistics.dirtySyncCount,
    'dirty-sync-missed-zero-copy': 0,
    'postcopy-requests': statistics.postcopyRequests,
    'page-size': PAGE_OCTETS,
    'multifd-bytes': statistics.multifdOctets,
    'pages-per-second': statistics.pagesPerSecond,
    'precopy-bytes': statistics.precopyOctets,
    'downtime-bytes': statistics.downtimeOctets,
    'postcopy-bytes': statistics.postcopyOctets,
  }
}

function xbzrleStatistics(xbzrle: XbzrleStatistics): XbzrleInfo {
  return {
    'cache-size': xbzrle.cacheSize,
    bytes: xbzrle.octets,
    pages: xbzrle.pages,
    'cache-miss': xbzrle.cacheMiss,
    'cache-miss-rate': xbzrle.cacheMissRate,
    'encoding-rate': xbzrle.encodingRate,
    overflow: xbzrle.overflow,
  }
}

function compressionStatistics(compression: CompressionStatistics): CompressionInfo {
  return {
    pages: compression.pages,
    busy: compression.busy,
    'busy-rate': compression.busyRate,
    'compressed-size': compression.compressedOctets,
    'compression-rate': compression.compressionRate,
  }
}
