/** Runs compared: what each paid in downtime against what the attacker recovered. */
import { scaleLinear, scaleLog } from 'd3'
import type { RunMetrics } from '../../core/metrics/run-metrics.js'
import { channelTitle, foundSecrets } from '../words/terms.js'
import { downtimeText, hasDowntime } from '../words/downtime.js'
import { formatMs, formatShare } from '../words/quantities.js'
import { bottomAxis, chartFrame, colours, emptyChart, horizontalGrid, logTicks, note, px } from './chart-frame.js'
import type { ChartOptions } from './chart-frame.js'

const TITLE = 'Runs compared'

export function compareChart(runs: readonly RunMetrics[], options: ChartOptions): SVGSVGElement {
  const finished = runs.filter((run) => run.downtimeMs !== null && run.downtimeMs > 0 && hasDowntime(run))
  const paused = runs.filter((run) => run.downtimeMs !== null && !hasDowntime(run))
  if (finished.length === 0)
    return emptyChart(
      options,
      TITLE,
      'Each finished migration will be a point: its downtime against the RAM the attacker recovered.',
    )
  const frame = chartFrame(options, {
    title: TITLE,
    description: [...finished.map(inWords), ...paused.map(pausedInWords)].join(' '),
    margin: { top: 24, right: 16, bottom: 22, left: 44 },
  })
  const downtimes = finished.map((run) => run.downtimeMs!)
  const low = Math.min(...downtimes)
  const high = Math.max(...downtimes)
  const x = scaleLog([low / 1.6, high * 1.9], [0, frame.width])
  const y = scaleLinear([0, 100], [frame.height, 0])
  horizontalGrid(
    frame,
    [0, 50, 100].map((value) => ({ at: y(value), label: `${value} %` })),
  )
  bottomAxis(
    frame,
    logTicks(low / 1.6, high * 1.9, frame.width / 70).map((value) => ({ at: x(value), label: formatMs(value) })),
  )
  const placed: { x: number; y: number }[] = []
  for (const run of finished) {
    const share = run.ramOctets === 0 ? 0 : (100 * run.ramOctetsRecovered) / run.ramOctets
    const at = { x: px(x(run.downtimeMs!)), y: px(y(share)) }
    const mark = share > 0 ? colours.clear : colours.sealed
    const shape = share > 0 ? 'M0,-5.5L5.5,0L0,5.5L-5.5,0Z' : 'M-4.5,0A4.5,4.5,0,1,0,4.5,0A4.5,4.5,0,1,0,-4.5,0Z'
    frame.plot
      .append('path')
      .attr('class', 'run')
      .attr('transform', `translate(${at.x},${at.y})`)
      .attr('d', shape)
      .attr('fill', mark)
      .append('title')
      .text(inWords(run))
    // A name goes above its point, or higher when a neighbour's name is there.
    const crowd = placed.filter((other) => Math.abs(other.x - at.x) < 64 && Math.abs(other.y - at.y) < 12).length
    const below = at.y < 24
    note(frame.plot, `${run.migration} ${channelTitle(run.channel)}`, {
      x: Math.min(Math.max(at.x, 34), frame.width - 34),
      y: below ? at.y + 18 + crowd * 13 : at.y - 10 - crowd * 13,
      anchor: 'middle',
      fill: colours.text,
    })
    placed.push(at)
  }
  const left =
    paused.length === 0 ? '' : `; without ${paused.map(({ migration }) => migration).join(', ')}: paused anyway`
  note(frame.plot, `RAM recovered by the attacker, against downtime${left}`, { x: -36, y: -12, fill: colours.text3 })
  return frame.node
}

function inWords(run: RunMetrics): string {
  return (
    `Run ${run.migration}, ${channelTitle(run.channel)}: downtime ${downtimeText(run)}, ` +
    `${formatShare(run.ramOctetsRecovered, run.ramOctets)} of RAM recovered, ${foundSecrets(run)}.`
  )
}

function pausedInWords({ migration, channel }: RunMetrics): string {
  return `Run ${migration}, ${channelTitle(channel)}, has no downtime: the guest was paused anyway.`
}
