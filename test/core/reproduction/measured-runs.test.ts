import { describe, expect, it } from 'vitest'
import { InputError } from '../../../core/base/errors.js'
import { parseMeasuredRuns } from '../../../core/reproduction/measured-runs.js'

const HEADER =
  'mode,ws_pages,target_pps,bw_MiBps,downtime_limit_ms,fill_MiB,guest_mem_MiB,rep,status,total_time_ms,' +
  'blackout_ms_STOP_to_RESUME,ram_transferred,ram_dirty_sync_count,guest_write_pps_during'
const RUN = 'precopy,256,2000,32,300,64,128,1,completed,2000,400,68918578,3,1600'
const CANCELLED = 'precopy,256,2000,32,300,64,128,2,not-converged(cancelled at 12s),12013,,399492466,24,2000'

describe('measured runs', () => {
  it('are grouped by what was chosen, whatever the order of columns and lines', () => {
    const other = RUN.replace('precopy,256', 'xbzrle,256')
    const groups = parseMeasuredRuns([HEADER, RUN, other, CANCELLED, ''].join('\r\n'))
    expect(groups.map(({ choice, runs }) => [choice.mode, runs.length])).toEqual([
      ['precopy', 2],
      ['xbzrle', 1],
    ])
    expect(groups[0]!.choice).toEqual({
      mode: 'precopy',
      workingSetPages: 256,
      targetPagesPerSecond: 2000,
      bandwidthMiBps: 32,
      downtimeLimitMs: 300,
      fillMiB: 64,
      memoryMiB: 128,
    })
    const [completed, cancelled] = groups[0]!.runs
    expect(completed).toMatchObject({ completed: true, cancelledAfterMs: null, transferredOctets: 68918578 })
    expect(cancelled).toMatchObject({ completed: false, cancelledAfterMs: 12_000, dirtySyncCount: 24 })
  })

  it('say what the guest wrote while it ran, not in the time in which it stood still', () => {
    const rate = (line: string) => parseMeasuredRuns(`${HEADER}\n${line}`)[0]!.runs[0]!.writtenPagesPerSecond
    expect(rate(RUN)).toBe(2000)
    expect(rate(RUN.replace(',400,', ',,'))).toBe(1600)
  })

  it.each([
    ['no run', HEADER, 'no measured run'],
    ['a missing column', `${HEADER.replace('bw_MiBps', 'bandwidth')}\n${RUN}`, 'bw_MiBps is missing'],
    ['an unknown mode', `${HEADER}\n${RUN}\n${RUN.replace('precopy', 'warp')}`, 'line 3: mode is "warp"'],
    ['no number', `${HEADER}\n${RUN.replace('2000', 'fast')}`, 'line 2: target_pps is "fast"'],
    ['an unknown status', `${HEADER}\n${RUN.replace('completed', 'gone')}`, 'line 2: status is "gone"'],
    ['a bandwidth of nothing', `${HEADER}\n${RUN.replace(',32,', ',0,')}`, 'line 2: bw_MiBps is "0"'],
  ])('are refused for %s, with the line', (_, text, reason) => {
    expect(() => parseMeasuredRuns(text)).toThrow(InputError)
    expect(() => parseMeasuredRuns(text)).toThrow(reason)
  })
})
