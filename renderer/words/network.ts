/** What can be set of the network, as the window offers and explains it. */
import type { AttackerPosition, LinkConditions } from '../engine/contract.js'
import { formatOctets } from './quantities.js'

export interface LinkConditionField {
  readonly name: keyof LinkConditions
  readonly title: string
  readonly meaning: string
  readonly values: readonly { readonly value: number; readonly title: string }[]
  format(value: number): string
}

const ms = (ns: number): string => (ns === 0 ? 'None' : ns < 1e6 ? `${ns / 1e3} µs` : `${ns / 1e6} ms`)
const percent = (fraction: number): string => (fraction === 0 ? 'None' : `${Number((fraction * 100).toFixed(4))} %`)

const offered = (values: readonly number[], format: (value: number) => string) =>
  values.map((value) => ({ value, title: format(value) }))

function field(
  name: keyof LinkConditions,
  title: string,
  meaning: string,
  values: readonly number[],
  format: (value: number) => string,
): LinkConditionField {
  return { name, title, meaning, values: offered(values, format), format }
}

export const linkConditionFields: readonly LinkConditionField[] = [
  field(
    'delayNs',
    'Delay',
    'From one end of the cable to the other, one way. Between two hosts lie two cables.',
    [0, 50e3, 500e3, 1e6, 5e6, 20e6, 50e6, 100e6],
    ms,
  ),
  field(
    'jitterNs',
    'Jitter',
    'The delay differs from frame to frame by up to so much; frames do not overtake one another.',
    [0, 100e3, 1e6, 5e6, 20e6],
    ms,
  ),
  field('loss', 'Loss', 'This share of frames never arrives.', [0, 0.001, 0.01, 0.05, 0.2], percent),
  field('duplication', 'Duplication', 'This share of frames arrives twice.', [0, 0.01, 0.05], percent),
  field(
    'reordering',
    'Reordering',
    'This share of frames is held back for 1 ms, so that later ones pass.',
    [0, 0.01, 0.05, 0.2],
    percent,
  ),
  field(
    'corruption',
    'Corruption',
    'In this share of frames one bit is flipped. Checksums find it, and the frame is lost.',
    [0, 0.0001, 0.001, 0.01],
    percent,
  ),
  field(
    'queueOctets',
    'Queue',
    'Frames wait at the sending end while the cable is busy. What does not fit is dropped (drop-tail).',
    [32768, 131072, 524288, 2097152, 8388608],
    formatOctets,
  ),
]

/** Where the attacker's cable may be plugged in: on the stage, and in words. */
export const attackerPositions = {
  mirror: {
    short: 'mirror port',
    title: 'Mirror of Host A’s port',
    meaning: 'gets copies of its frames; what is sent there is dropped',
  },
  access: {
    short: 'switch port',
    title: 'An ordinary port',
    meaning: 'a station like the others, which can send what it likes',
  },
  hub: { short: 'hub', title: 'A hub in the switch’s place', meaning: 'every station hears every frame' },
  switch: { short: 'in the switch', title: 'A tap in the switch', meaning: 'copies of the frames at every port' },
} as const satisfies Record<AttackerPosition, { short: string; title: string; meaning: string }>
