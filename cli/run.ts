/** `run`: play a lab's reference solution and say which checks it meets. */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { InputError } from '../core/base/errors.js'
import { scenarioOf } from '../core/lab/lab-schema.js'
import { labProgress } from '../core/lab/lab-progress.js'
import { playStep } from '../core/lab/play-solution.js'
import { buildReport } from '../core/report/build-report.js'
import { Session } from '../core/session/session.js'
import { readGuestImage } from './guest-images.js'
import { LiveCapture } from './live-capture.js'
import { findLab } from './lab-files.js'
import { expectWritable, makeFolder, openOutput, writeOutputFile } from './output.js'
import { reportHtml } from './report-file.js'
import { projectVersion } from './project.js'

export async function runCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      solve: { type: 'boolean', default: false },
      guest: { type: 'string' },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
      report: { type: 'string' },
      pcap: { type: 'string' },
      live: { type: 'string' },
    },
  })
  const [name, ...rest] = positionals
  if (name === undefined || rest.length > 0) throw new InputError('name one lab: run first-crossing --solve')
  if (!values.solve)
    throw new InputError('a lab is done in the window; here only its solution can be played: add --solve')
  const lab = findLab(name)
  if (values.live === '-' && values.json === '-') throw new InputError('--live - and --json - cannot both be')
  const output = openOutput(
    values.json,
    (text) => void (values.live === '-' ? process.stderr : process.stdout).write(text),
  )
  await expectWritable(values.json === '-' ? undefined : values.json, values.report)
  if (values.pcap !== undefined) await makeFolder(values.pcap)
  const given = scenarioOf(lab)
  const scenario = { ...given, guest: { ...given.guest, image: values.guest ?? given.guest.image } }
  const session = new Session({ scenario, seed: values.seed, image: readGuestImage(scenario.guest.image) })
  const live = values.live === undefined ? null : await LiveCapture.open(values.live, session.world.rack.tap)
  for (const step of lab.steps) {
    playStep(step, session)
    await live?.pump()
  }
  await live?.end()
  const progress = labProgress(lab, session)
  output.line(`${lab.title}, seed ${values.seed}`)
  for (const { step, state, missing, evidence } of progress) {
    output.line(`${state === 'done' ? 'ok    ' : 'NOT OK'} ${step.title}${missing === '' ? '' : `: ${missing}`}`)
    for (const { text } of evidence) output.line(`         ${text}`)
  }
  const report = buildReport(session, lab, projectVersion())
  if (values.report !== undefined) await writeOutputFile(values.report, reportHtml(report))
  if (values.pcap !== undefined)
    await writeOutputFile(join(values.pcap, `${lab.id}-mirror.pcapng`), session.world.rack.tap.toPcapng())
  await output.json(report)
  const isPassed = progress.every(({ state }) => state === 'done')
  output.line(isPassed ? 'every check passed' : 'not every check passed')
  return isPassed ? 0 : 1
}
