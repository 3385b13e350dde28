/** A session's report as one HTML file: no script, nothing fetched, fit for paper. Charts are SVG, drawn at once. */
import type { ReportData, ReportQuestion, ReportStep } from '../../core/report/report-data.js'
import type { RunMetrics } from '../../core/metrics/run-metrics.js'
import { compareChart } from '../charts/compare-chart.js'
import { downtimeChart } from '../charts/downtime-chart.js'
import { leakChart } from '../charts/leak-chart.js'
import { roundsChart } from '../charts/rounds-chart.js'
import { throughputChart } from '../charts/throughput-chart.js'
import { downtimeText } from '../words/downtime.js'
import {
  formatAddress,
  formatBitRate,
  formatCount,
  formatInstant,
  formatMs,
  formatOctets,
  formatShare,
  formatSpan,
} from '../words/quantities.js'
import { channelTitle, findingTitle, strategyTitle, wasSealed } from '../words/terms.js'

const CHART = { width: 680, height: 190 } as const

/** `document` only makes the charts' elements: the page's own, or that of a DOM library on the command line. */
export function reportHtml(data: ReportData, document: Document): string {
  const title = `${data.title}: report`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<header>
<p class="brand">Midstream</p>
<h1>${escape(data.title)}</h1>
<p>${escape(data.goal)}</p>
${facts(data)}
</header>
${stepsSection(data.steps)}
${comparison(data, document)}
${data.runs.map((run) => runSection(run, data, document)).join('\n')}
<footer><p>Made by Midstream ${escape(data.version)}. Times are virtual: the same lab, seed and commands give the same numbers on any machine. All traffic stayed inside the emulator.</p></footer>
</main>
</body>
</html>
`
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** Inline code and strong words of Markdown are common in answers and evidence; their marks are left out. */
const plain = (text: string): string => escape(text.replace(/\*\*([^*]+)\*\*/g, '$1').replace(/`([^`]+)`/g, '$1'))

function facts({ labId, seed, traceHash, virtualNs, settings, steps }: ReportData): string {
  const done = steps.filter((step) => step.done).length
  const rows: [string, string][] = [
    ['Lab', labId],
    ['Seed', seed],
    ['Virtual time', formatSpan(virtualNs)],
    ['Steps done', steps.length === 0 ? 'no steps' : `${done} of ${steps.length}`],
    ['Trace hash', traceHash ?? 'not computed'],
    [
      'Guest workload',
      `${formatCount(settings.dirtyPagesPerSecond)} pages/s over ${formatCount(settings.workingSetPages)} pages`,
    ],
    ['Links', formatBitRate(settings.bandwidthBps)],
    ['Downtime limit', formatMs(settings.downtimeLimitMs)],
  ]
  return `<dl class="facts">${rows.map(([name, value]) => `<div><dt>${name}</dt><dd>${escape(value)}</dd></div>`).join('')}</dl>`
}

function stepsSection(steps: readonly ReportStep[]): string {
  if (steps.length === 0) return ''
  return `<section><h2>Steps, answers and evidence</h2><ol class="steps">${steps.map(stepItem).join('')}</ol></section>`
}

function stepItem(step: ReportStep): string {
  const hints = step.hintsUsed === 0 ? '' : `, ${step.hintsUsed} hint${step.hintsUsed === 1 ? '' : 's'} used`
  const evidence = step.evidence.map(({ text, atNs, packet, address }) => {
    const places = [
      formatInstant(atNs),
      packet === null ? '' : `packet ${packet}`,
      address === null ? '' : formatAddress(address),
    ]
    return `<li>${plain(text)} <span class="third">(${places.filter(Boolean).join(', ')})</span></li>`
  })
  return (
    `<li><h3>${escape(step.title)} <span class="${step.done ? 'done' : 'open'}">${step.done ? '✓ done' : 'not done'}${hints}</span></h3>` +
    (step.missing === '' ? '' : `<p>${plain(step.missing)}</p>`) +
    (evidence.length === 0 ? '' : `<ul>${evidence.join('')}</ul>`) +
    step.questions.map(questionBlock).join('') +
    '</li>'
  )
}

function questionBlock({ text, unit, answer, correct, explanation }: ReportQuestion): string {
  const given = answer === null ? 'not answered' : `${answer}${unit === '' ? '' : ` ${unit}`}`
  const verdict =
    correct === null ? '' : correct ? ' <span class="done">✓ right</span>' : ' <span class="open">✗ not right</span>'
  return (
    `<div class="question"><p><strong>${plain(text)}</strong></p><p>${escape(given)}${verdict}</p>` +
    (explanation === '' ? '' : `<p class="third">${plain(explanation)}</p>`) +
    '</div>'
  )
}

function comparison({ runs }: ReportData, document: Document): string {
  if (runs.length === 0) return '<section><h2>Runs</h2><p>No guest was migrated in this session.</p></section>'
  const head = [
    'Run',
    'Channel',
    'Strategy',
    'Status',
    'Total time',
    'Downtime',
    'Client gap',
    'On the wire',
    'Secrets found',
    'RAM recovered',
  ]
  const rows = runs.map((run) => [
    `${run.migration}`,
    channelTitle(run.channel),
    strategyTitle(run.strategy),
    run.cause === '' ? run.status : `${run.status}: ${run.cause}`,
    formatMs(run.totalTimeMs),
    downtimeText(run),
    formatMs(run.clientGapMs),
    formatOctets(run.wireOctets),
    run.secretsPlanted === 0 ? 'none planted' : `${run.secretsFound} of ${run.secretsPlanted}`,
    formatShare(run.ramOctetsRecovered, run.ramOctets),
  ])
  return `<section><h2>Runs compared</h2>${table(head, rows)}${figure('What leaked', leakChart(runs, { ...CHART, document }))}${figure(
    'Downtime against leakage',
    compareChart(runs, { ...CHART, document }),
  )}</section>`
}

function runSection(run: RunMetrics, { probes, throughput }: ReportData, document: Document): string {
  const options = { ...CHART, document }
  const endNs = run.endNs ?? run.startNs + run.totalTimeMs * 1e6
  const margin = Math.max((endNs - run.startNs) * 0.1, 5e6)
  const rate = {
    samples: throughput,
    fromNs: Math.max(0, run.startNs - margin),
    toNs: endNs + margin,
    linkBps: run.linkBps,
    sealed: wasSealed(run),
  }
  const findings = run.findings.map(({ kind, name, value, address, packet, atNs, planted }) => [
    findingTitle(kind),
    name,
    value,
    formatAddress(address),
    `${packet}`,
    formatInstant(atNs),
    planted ? 'yes' : 'no',
  ])
  return `<section class="run"><h2>Run ${run.migration}: ${escape(channelTitle(run.channel))}</h2>
<p>${escape(run.vm)} from ${escape(run.source)} to ${escape(run.destination)}, ${escape(strategyTitle(run.strategy).toLowerCase())} at ${formatBitRate(run.linkBps)}: ${escape(run.status)}${run.cause === '' ? '' : ` (${escape(run.cause)})`}.${run.diskOctets === 0 ? '' : ` Its disk went with it: ${formatOctets(run.diskOctets)} of the stream.`}</p>
${figure('What the client felt: reply times, the gap, the guest’s pause', downtimeChart({ probes, run }, options))}
${figure('Rounds: pages sent; dashed: predicted', roundsChart(run, options))}
${figure('Throughput of the source’s link', throughputChart(rate, options))}
<h3>What the attacker found</h3>
${
  findings.length === 0
    ? `<p>Nothing. ${wasSealed(run) ? 'The stream was sealed.' : ''}</p>`
    : `<div class="findings">${table(['Kind', 'Whose', 'Value', 'Guest address', 'Packet', 'At', 'Planted'], findings)}</div>`
}</section>`
}

function figure(caption: string, chart: SVGSVGElement): string {
  return `<figure><figcaption>${escape(caption)}</figcaption>${chart.outerHTML}</figure>`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[]) => row.map((cell) => `<td>${escape(cell)}</td>`).join('')
  return `<div class="table"><table><thead><tr>${head.map((cell) => `<th>${cell}</th>`).join('')}</tr></thead><tbody>${rows
    .map((row) => `<tr>${cells(row)}</tr>`)
    .join('')}</tbody></table></div>`
}

const style = `
:root{color-scheme:light;--ground:#eef1f5;--panel:#fff;--raised:#f5f7fa;--line:#dbe1e9;--text:#121a26;--text-2:#46546a;--text-3:#5f6d83;--done:#1d7f46;--control:#8a6200}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text-2);font:14px/1.55 'Inter Variable',Inter,system-ui,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:860px;margin:32px auto;padding:40px 56px;background:var(--panel);border-radius:10px}
h1,h2,h3,strong{color:var(--text)}
h1{margin:0 0 4px;font-size:28px}
h2{margin:40px 0 12px;font-size:19px}
h3{margin:18px 0 6px;font-size:15px}
.brand{margin:0;color:var(--text-3);font-weight:600}
.facts{display:grid;grid-template-columns:1fr 1fr;gap:4px 32px;margin:20px 0 0}
.facts div{display:flex;gap:12px;min-width:0}
.facts dt{flex:0 0 120px;color:var(--text-3)}
.facts dd{margin:0;color:var(--text);overflow-wrap:anywhere}
.steps{padding-left:22px}
.done{color:var(--done);font-weight:600}
.open{color:var(--control);font-weight:600}
h3 .done,h3 .open{font-size:13px}
.third{color:var(--text-3)}
.question{margin:8px 0;padding:8px 14px;border-left:3px solid var(--line)}
.question p{margin:2px 0}
.table{overflow-x:auto}
table{width:100%;border-collapse:collapse;font-size:12.5px}
th{padding:6px 10px 6px 0;color:var(--text-3);font-weight:500;text-align:left;vertical-align:bottom}
td{padding:6px 10px 6px 0;border-top:1px solid var(--line);vertical-align:top}
.findings td:nth-child(3){white-space:pre-wrap;overflow-wrap:anywhere}
figure{margin:20px 0}
figcaption{margin-bottom:6px;color:var(--text);font-weight:600}
svg{display:block;width:100%;height:auto}
footer{margin-top:40px;padding-top:12px;border-top:1px solid var(--line);color:var(--text-3);font-size:12.5px}
@media print{body{background:none}main{max-width:none;margin:0;padding:0}figure,.question,tr{break-inside:avoid}.run{break-before:page}}
`
