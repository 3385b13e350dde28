/** `channels`: what a migration can be protected with, and what that is worth. */
import { parseArgs } from 'node:util'
import { channelNames, protectionOf } from '../core/secure/channels.js'
import { openOutput } from './output.js'

export async function channelsCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { json: { type: 'string' } } })
  const output = openOutput(values.json)
  const channels = channelNames.map((name) => ({ name, ...protectionOf(name) }))
  const yes = (is: boolean): string => (is ? 'yes' : 'no')
  output.table(
    [
      'channel',
      'hides content',
      'hides equal pages',
      'notices changes',
      'who proves himself',
      'keeps its level',
      'forward secrecy',
      'key bits',
    ],
    channels.map((channel) => [
      channel.name,
      yes(channel.hidesContent),
      yes(channel.hidesRepetition),
      yes(channel.protectsIntegrity),
      channel.authenticates,
      yes(channel.refusesDowngrade),
      yes(channel.hasForwardSecrecy),
      channel.keyBits ?? '-',
    ]),
  )
  await output.json(channels)
  return 0
}
