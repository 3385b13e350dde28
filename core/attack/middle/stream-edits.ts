/** What is to be changed of a migration that passes and can be read. */
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
  /** What comes after so many octets is swallowed, and its arrival confirmed to the source in the destination's name. */
  | { readonly kind: 'confirm'; readonly afterOctets: number }
  /** In the state of devices, which follows memory. */
  | { readonly kind: 'replace-device-state'; readonly find: OctetPattern; readonly by: OctetPattern }

/** By place alone: what passes need not be read. */
export type OffsetEdit =
  /** `from` is what is there, as far as the attacker knows; `to` what is wanted. */
  | { readonly kind: 'flip'; readonly at: number; readonly from: Uint8Array; readonly to: Uint8Array }
  /** What passed at `from` comes again at `to`, which is later. */
  | { readonly kind: 'paste'; readonly from: number; readonly to: number; readonly octets: number }

/** Everything a man in the middle may be told to do. `strip`: make both ends believe that the other cannot seal. */
export type StreamEdit = MigrationEdit | OffsetEdit | { readonly kind: 'strip' }
