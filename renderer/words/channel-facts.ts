/** What a channel is good for, in words: the data is core's, tried by attackers in its tests. */
import type { ChannelView } from '../engine/contract.js'

export interface ChannelFact {
  readonly title: string
  readonly said: string
  /** Null where it is neither for nor against the channel. */
  readonly isGood: boolean | null
}

const ends = { nobody: 'nobody', server: 'the destination only', both: 'both hosts' } as const

export function channelFacts(channel: ChannelView): ChannelFact[] {
  const yes = (title: string, isGood: boolean): ChannelFact => ({ title, said: isGood ? 'yes' : 'no', isGood })
  return [
    yes('Hides what is carried', channel.hidesContent),
    yes('Hides which pages are equal', channel.hidesRepetition),
    yes('Notices what is changed on the way', channel.protectsIntegrity),
    { title: 'Who proves who he is', said: ends[channel.authenticates], isGood: channel.authenticates === 'both' },
    yes('Cannot be talked down to less', channel.refusesDowngrade),
    yes('A key stolen later opens nothing', channel.hasForwardSecrecy),
    {
      title: 'Bits of key to try',
      said: channel.keyBits === null ? 'none' : String(channel.keyBits),
      isGood: (channel.keyBits ?? 0) >= 112,
    },
    { title: 'Still shows', said: channel.stillShows.join('; '), isGood: null },
  ]
}
