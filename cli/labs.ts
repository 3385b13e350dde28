/** `labs`: what there is to do. */
import { parseArgs } from 'node:util'
import { readLabs } from './lab-files.js'
import { openOutput } from './output.js'

export async function labsCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { json: { type: 'string' } } })
  const output = openOutput(values.json)
  const labs = readLabs().map(({ id, title, minutes, level }) => ({ id, title, minutes, level }))
  output.table(
    ['lab', 'title', 'minutes', 'level'],
    labs.map(({ id, title, minutes, level }) => [id, title, minutes, level]),
  )
  await output.json(labs)
  return 0
}
