/**
 * The machine on which `test/fixtures/qemu-measurements.csv` was measured, as the engine needs to know it: QEMU 7.2, TCG,
 * `-M pc` without devices, two processes of one computer, joined by TCP on its loopback interface. The same for every run.
 */
import { InputError } from '../base/errors.js'
import { milliseconds, PAGE_OCTETS, type Nanos } from '../base/units.js'
import { DEFAULT_MIGRATION_PARAMETERS, type MigrationOptions } from '../migration/migration.js'
import type { PageStatisticsVmOptions } from '../migration/page-statistics-vm.js'
import type { StatisticsMigrationOptions } from '../migration/statistics-migration.js'
import type { MeasuredChoice } from './measured-runs.js'

const MIB = 1024 * 1024
const PAGES_IN_MIB = MIB / PAGE_OCTETS

/** Where the guest's program fills memory, and where it writes then. */
const FILL_FROM_PAGE = 16 * PAGES_IN_MIB
/**
 * Pages that are not zero and not filled: SeaBIOS (all of its 64) and what it and the guest's program left below the first
 * MiB. From `ram.normal` of the runs in which the guest stood still: 16,499, and 16,384 were filled.
 */
const BIOS_PAGES = 64
const LOW_PAGES = 51
/**
 * The guest's program writes its stack and its counter of pages again and again: 2 pages more than it was told to.
 * From `ram.normal` of the runs over 256 pages: 258 more than those that were not zero.
 */
const OWN_PAGES = 2
const OWN_WRITES_PER_SECOND = 2000
/** Octets a second that cross when nothing limits them: 8,194 pages in 21 to 24 ms, the downtime of the fastest writers. */
const WIRE_OCTETS_PER_SECOND = 1.45e9
/**
 * How late the migration thread wakes at the end of a window of 100 ms: QEMU reads a clock of whole milliseconds (half of one
 * late in the mean), and two emulators shared two cores. The 20 windows of the runs over 256 pages at 32 MiB a second took
 * 2,050 to 2,072 ms in the median, 9 ms of which are no window; of those with the guest stopped 10 took 1,012 ms.
 */
const WAKE_LATENCY_NS: Nanos = milliseconds(1.5)
/** From `setup-time`, which was 0 to 5 ms: threads and files, for which the engine needs no time. */
export const SETUP_NS: Nanos = milliseconds(3)

/** Its blocks in the order of the stream, largest first, and the names they have there. */
function guestOf(choice: MeasuredChoice, pagesPerSecond: number): PageStatisticsVmOptions {
  const memoryPages = choice.memoryMiB * PAGES_IN_MIB
  const fillPages = choice.fillMiB * PAGES_IN_MIB
  if (FILL_FROM_PAGE + Math.max(fillPages, choice.workingSetPages) > memoryPages)
    throw new InputError(
      `a guest of ${choice.memoryMiB} MiB has no room from 16 MiB on for ${choice.fillMiB} MiB and ${choice.workingSetPages} pages`,
    )
  const rom = (name: string, pageCount: number) => ({ name, pageCount, filled: [], writes: [] })
  return {
    name: 'guest',
    machineType: 'pc',
    blocks: [
      {
        name: 'pc.ram',
        pageCount: memoryPages,
        filled: [
          { firstPage: 0, pageCount: LOW_PAGES },
          { firstPage: FILL_FROM_PAGE, pageCount: fillPages },
        ],
        writes: [
          { firstPage: 0, pageCount: OWN_PAGES, pagesPerSecond: OWN_WRITES_PER_SECOND, order: 'cyclic' },
          { firstPage: FILL_FROM_PAGE, pageCount: choice.workingSetPages, pagesPerSecond, order: 'cyclic' },
        ],
        deltaOctets: 4,
      },
      { name: 'pc.bios', pageCount: BIOS_PAGES, filled: [{ firstPage: 0, pageCount: BIOS_PAGES }], writes: [] },
      rom('/rom@etc/acpi/tables', 32),
      rom('pc.rom', 32),
      rom('/rom@etc/table-loader', 1),
      rom('/rom@etc/acpi/rsdp', 1),
    ],
  }
}

/** The migration of a guest that writes so many pages a second. */
export function measuredMigration(choice: MeasuredChoice, pagesPerSecond: number): StatisticsMigrationOptions {
  const migration: Partial<MigrationOptions> = {
    ...DEFAULT_MIGRATION_PARAMETERS,
    strategy: choice.mode === 'stopcopy' ? 'stop-and-copy' : choice.mode === 'postcopy' ? 'hybrid' : 'precopy',
    downtimeLimitNs: milliseconds(choice.downtimeLimitMs),
    maxBandwidth: choice.bandwidthMiBps * MIB,
    xbzrle: choice.mode === 'xbzrle',
    // QEMU goes on for as long as it is let, and goes over to post-copy when it is told to.
    roundsMax: 0,
    postcopyAfterRounds: 0,
  }
  return {
    guest: guestOf(choice, pagesPerSecond),
    migration,
    wakeLatencyNs: WAKE_LATENCY_NS,
    link: { rateBps: 8 * WIRE_OCTETS_PER_SECOND, delayNs: 10_000 },
    isStopped: choice.mode === 'stopcopy',
  }
}
