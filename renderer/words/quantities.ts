/** How numbers are written in the window and the report: always with a unit, the same on every machine. */

/** 4,096. Locale-independent, so that reports and snapshots agree everywhere. */
export function formatCount(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, ',')
}

/** Three significant digits without trailing zeros: 0.482, 23.1, 318. */
function significant(value: number): string {
  const size = Math.abs(value)
  if (size >= 100 || Number.isInteger(value)) return formatCount(value)
  return value.toFixed(size >= 10 ? 1 : 2).replace(/\.?0+$/, '')
}

/** A span of virtual time in the unit that reads best: 820 ns, 38.4 ms, 1.2 s. */
export function formatSpan(ns: number): string {
  const size = Math.abs(ns)
  if (size >= 60e9) return `${significant(ns / 60e9)} min`
  if (size >= 1e9) return `${significant(ns / 1e9)} s`
  if (size >= 1e6) return `${significant(ns / 1e6)} ms`
  if (size >= 1e3) return `${significant(ns / 1e3)} µs`
  return `${significant(ns)} ns`
}

export function formatMs(ms: number | null): string {
  return ms === null ? '–' : formatSpan(ms * 1e6)
}

/** An instant of virtual time in seconds to the microsecond, as Wireshark's default column: 4.217318 s. */
export function formatInstant(ns: number): string {
  return `${(ns / 1e9).toFixed(6)} s`
}

/** 16 MiB, 4 KiB, 512 octets. */
export function formatOctets(octets: number): string {
  if (octets >= 1024 ** 3) return `${significant(octets / 1024 ** 3)} GiB`
  if (octets >= 1024 ** 2) return `${significant(octets / 1024 ** 2)} MiB`
  if (octets >= 1024) return `${significant(octets / 1024)} KiB`
  return `${formatCount(octets)} octet${octets === 1 ? '' : 's'}`
}

/** 1 Gbit/s, 100 Mbit/s. */
export function formatBitRate(bps: number): string {
  if (bps >= 1e9) return `${significant(bps / 1e9)} Gbit/s`
  if (bps >= 1e6) return `${significant(bps / 1e6)} Mbit/s`
  if (bps >= 1e3) return `${significant(bps / 1e3)} kbit/s`
  return `${significant(bps)} bit/s`
}

export function formatShare(part: number, whole: number): string {
  if (whole === 0) return '0 %'
  const percent = (part / whole) * 100
  return `${percent > 0 && percent < 10 ? percent.toFixed(1).replace(/\.0$/, '') : Math.round(percent)} %`
}

export function formatAddress(address: number): string {
  return `0x${address.toString(16).padStart(8, '0')}`
}

/** The virtual clock, cut where it is set in two sizes: `00:04.217` and `318`. */
export function clockParts(ns: number): { readonly main: string; readonly micros: string } {
  const micros = Math.floor(ns / 1e3)
  const minutes = Math.floor(micros / 60e6)
  const seconds = Math.floor(micros / 1e6) % 60
  const millis = Math.floor(micros / 1e3) % 1000
  const pad = (value: number, width: number) => value.toString().padStart(width, '0')
  return { main: `${pad(minutes, 2)}:${pad(seconds, 2)}.${pad(millis, 3)}`, micros: pad(micros % 1000, 3) }
}

/** 0.05×, 1×, `Full speed` for Infinity, or `Auto`: slow while a migration runs. */
export function formatSpeed(speed: number | 'auto'): string {
  if (speed === 'auto') return 'Auto'
  return Number.isFinite(speed) ? `${speed}×` : 'Full speed'
}

/** `just now`, `5 minutes ago`, or a date: when a session was last kept. */
export function formatAgo(thenMs: number, nowMs: number): string {
  const minutes = Math.round((nowMs - thenMs) / 60_000)
  if (minutes < 1) return 'just now'
  if (minutes < 60) return `${minutes} minute${minutes === 1 ? '' : 's'} ago`
  const hours = Math.round(minutes / 60)
  if (hours < 24) return `${hours} hour${hours === 1 ? '' : 's'} ago`
  const days = Math.round(hours / 24)
  if (days < 15) return `${days} day${days === 1 ? '' : 's'} ago`
  return new Date(thenMs).toISOString().slice(0, 10)
}
