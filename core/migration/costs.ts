/**
 * Core time that the migration thread of a host takes, by what it does. Round figures for one core of a server of about
 * 2020: scanning a page for zeros at 10 GB/s, copying one and writing its record at 4 GB/s, reading the dirty log at a
 * page a nanosecond. They matter where cores are few: what a cipher costs comes on top, booked by its channel.
 */

export const MIGRATION_COSTS = Object.freeze({
  /** Source: a page was scanned and found to be all zero. */
  zeroPageNs: 400,
  /** Source: a page was copied to the stream. */
  normalPageNs: 1000,
  /** Source: a page was compared with what was sent of it before, at 2 GB/s (qemu-devel, August 2011: 1.5 to 2.2). */
  xbzrlePageNs: 2000,
  /** Source: a page was compressed by zlib at level 1, 100 MB/s; destination: inflated at 300 MB/s. */
  compressPageNs: 40_000,
  inflatePageNs: 14_000,
  /** Source: a page was given to the thread of an extra connection, which then does the work. */
  multifdPageNs: 100,
  /** Source: the dirty log was read, by page of memory. */
  logPageNs: 1,
  /** Either side: a device was saved or loaded. */
  deviceNs: 5000,
  /**
   * Destination: from the first octets' arrival until the thread that waits for them reads; no core time. A network card
   * holds its interrupt back for about as long, so that one wakes a reader for several frames.
   */
  wakeNs: 10_000,
  /** Destination: a zero page was checked, and cleared if need be. */
  loadZeroPageNs: 300,
  /** Destination: a page was put in its place. */
  loadNormalPageNs: 1000,
})

/** The lane of `HostCores` on which both ends book their work. */
export const MIGRATION_LANE = 'migration'
