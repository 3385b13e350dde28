/** Which pages are alike: told by cipher blocks under ECB, by nothing under any other channel, and plain in clear. */
import { describe, expect, it } from 'vitest'
import { analyseFile } from '../../../core/attack/capture-file.js'
import { bootedSession, migrateToEnd } from '../../support/lab-session.js'

/** Zeros cross whole, so that there are pages that are alike. */
function crossed(channel: string) {
  const session = bootedSession({ seed: 'structure' })
  session.do({ kind: 'configure-migration', settings: { channel: channel as 'none', zeroPageDetection: 'none' } })
  migrateToEnd(session)
  const run = session.world.lastRun()
  if (run === undefined) throw new Error('nothing crossed')
  return { session, run }
}

describe('structure part of the leak meter', () => {
  it('is all of it in clear', () => {
    const { run } = crossed('none')
    expect(run.structure).toMatchObject({ wrong: 0, blocks: 0, agreement: 1 })
    expect(run.structure?.emptyPages).toBeGreaterThan(500)
    expect(run.structure?.alikeSeen).toBe(run.structure?.alikePages)
    expect(run.ramOctetsExact).toBe(run.ramOctets)
  })

  it('is nearly all of it under ECB, from cipher blocks alone, and the same from the capture as while it happened', () => {
    const { session, run } = crossed('aes-128-ecb')
    expect(run).toMatchObject({ ramOctetsRecovered: 0, secretsFound: 0 })
    const { structure } = run
    expect(structure?.emptySeen).toBe(structure?.emptyPages)
    expect(structure?.agreement).toBeGreaterThan(0.99)
    expect(structure?.blocksRepeated).toBeGreaterThan(100_000)
    const { report } = analyseFile(session.world.rack.tap.toPcapng())
    const [stream] = report.streams.filter(({ protocol }) => protocol === 'records')
    const told = session.trace.rows('page-alike')
    expect(stream?.structure).toEqual({
      ...{ blocks: structure?.blocks, blocksRepeated: structure?.blocksRepeated },
      ...{ alikePages: told.length, emptyPages: told.filter(({ isZero }) => isZero === 1).length },
    })
  })

  it.each(['aes-256-cbc', 'aes-256-ctr', 'aes-256-gcm', '3des-cbc', 'nacl', 'ssh', 'tls', 'esp', 'vmotion-required'])(
    'is nothing under %s',
    (channel) => {
      const { structure } = crossed(channel).run
      expect(structure).toMatchObject({ alikeSeen: 0, emptySeen: 0, agreement: 0 })
      expect(structure?.alikePages).toBeGreaterThan(500)
    },
  )
})
