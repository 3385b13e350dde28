/** What an operator has set at one monitor and the engine's parameters have no place for. */
import type { PageCompression } from '../../migration/migration.js'

export class MonitorSettings {
  /** Capability `events`: whether MIGRATION and MIGRATION_PASS are told. */
  events = false
  /** The number of extra channels, and their compression, once capability `multifd` is on. */
  multifdChannels = 2
  multifdCompression: PageCompression = 'none'
}
