/** What is to be changed of a migration that passes. */
import type { OctetPattern } from './octet-pattern.js'

export type MigrationEdit =
  /** In every copy of every page: later copies would undo what is done to the first alone. */
  | { readonly kind: 'replace'; readonly find: OctetPattern; readonly by: OctetPattern }
  /** Two pages of guest memory (guest-physical addresses) change places. */
  | { readonly kind: 'swap-pages'; readonly a: number; readonly b: number }
  /** Every page stays as it was when it was sent first. */
  | { readonly kind: 'roll-back' }
  /** The connection is cut after so many octets. */
  | { readonly kind: 'truncate'; readonly afterOctets: number }
  /** In the state of devices, which follows memory. */
  | { readonly kind: 'replace-device-state'; readonly find: OctetPattern; readonly by: OctetPattern }
