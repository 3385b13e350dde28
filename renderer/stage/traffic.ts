/** What moves on a cable: how wide it is drawn, how many frames are on their way and where they are. Pure numbers. */
import type { HostView, LinkView, MigrationView, SessionView } from '../engine/contract.js'
import { isMigrating } from '../words/terms.js'

export interface CableTraffic {
  /** Share of the capacity in use, 0 to 1. */
  readonly load: number
  readonly hasMigration: boolean
  readonly content: 'clear' | 'sealed'
  /** Frames to draw on their way: migration's, and the client's probes. */
  readonly migrationFrames: number
  readonly probeFrames: number
  /** Migration frames go from the host to the switch, or from the switch to the host. */
  readonly towardsSwitch: boolean
}

/** The octets of a link view were counted over this time. */
const LINK_WINDOW_S = 0.002

export function linkRateBps(link: LinkView): number {
  return ((link.migrationOctets + link.probeOctets + link.otherOctets) * 8) / LINK_WINDOW_S
}
/** Px a frame needs at least, so that frames stay apart. */
const FRAME_PITCH = 25

/** `length` of the cable, in px: a short one has room for fewer frames. */
export function cableTraffic(
  host: HostView,
  links: readonly LinkView[],
  migration: MigrationView | null,
  length: number,
): CableTraffic {
  const mostFrames = Math.max(1, Math.floor(length / FRAME_PITCH))
  const sum = (pick: (link: LinkView) => number) => links.reduce((total, link) => total + pick(link), 0)
  const capacity = Math.max(1, ...links.map((link) => (link.bandwidthBps / 8) * LINK_WINDOW_S))
  const migrationOctets = sum((link) => link.migrationOctets)
  const probeOctets = sum((link) => link.probeOctets)
  const load = Math.min(1, (migrationOctets + probeOctets + sum((link) => link.otherOctets)) / capacity)
  const content = links.some((link) => link.content === 'clear' && link.migrationOctets > 0) ? 'clear' : 'sealed'
  return {
    load,
    hasMigration: migrationOctets > 0,
    content: migrationOctets > 0 ? content : (links[0]?.content ?? 'clear'),
    migrationFrames:
      migrationOctets === 0 ? 0 : 1 + Math.round((mostFrames - 1) * Math.sqrt(Math.min(1, migrationOctets / capacity))),
    probeFrames: probeOctets > 0 ? 1 : 0,
    towardsSwitch: isMigrating(migration?.status) && migration?.source === host.name,
  }
}

/** Places of `count` frames as fractions of the way, evenly apart, moved on by `phase` (fractions of the way). */
export function framePlaces(count: number, phase: number): number[] {
  return Array.from({ length: count }, (_, index) => (((index / count + phase) % 1) + 1) % 1)
}

/** How fast frames are drawn, in px a second: slower than light, but in the order of playing speeds. */
export function framePace({ playing, speed }: Pick<SessionView, 'playing' | 'speed'>): number {
  if (!playing) return 0
  if (!Number.isFinite(speed)) return 320
  return Math.min(300, Math.max(24, 180 + 60 * Math.log10(Math.max(speed, 1e-4))))
}

export function cableWidth({ load, hasMigration }: Pick<CableTraffic, 'load' | 'hasMigration'>): number {
  return hasMigration ? 5 + 9 * load : 1.5 + 2 * load
}
