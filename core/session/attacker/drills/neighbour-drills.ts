/** A guest of one tenant against the other's on the same machine: it has instructions, and nothing else. */
import type { DrillEvidence, Drill } from './drill.js'
import { latin1Text, octetsOfHex } from '../../../base/octets.js'
import { seconds } from '../../../base/units.js'
import { defaultScenario } from '../../scenario.js'
import { Session } from '../../session.js'

const RAM_OCTETS = 4 * 1024 ** 2
const ANSWER_NS = seconds(0.3)
/** What `peek` shows at a time, and how far the neighbour's memory is looked through. */
const PEEK_OCTETS = 1024
const LOOKED_THROUGH_OCTETS = 8192
/** A row of `peek`: address, octets, characters. */
const ROW = /^([0-9a-f]{8}) {2}((?:[0-9a-f]{2} ){1,16})/
const TOKEN = /tok_[A-Za-z0-9]{8,}/
const EVIDENCE_ROWS_MAX = 4

export const vmJumping: Drill = ({ configuration, seed, image }) => {
  const options = { hasIsolationFault: configuration === 'vulnerable' }
  const guest = { ...defaultScenario.guest, image: 'tenant', ramOctets: RAM_OCTETS, fillOctets: 0, options }
  const session = new Session({ scenario: { ...defaultScenario, guest }, seed, image: image('tenant') })
  session.do({ kind: 'boot' })
  session.runFor(seconds(1))
  const say = (line: string): readonly { readonly atNs: number; readonly text: string }[] => {
    const before = session.trace.rows('console-line').length
    session.do({ kind: 'type', console: 'guest', text: `${line}\r` })
    session.runFor(ANSWER_NS)
    return session.trace.rows('console-line').slice(before)
  }
  say('tick off')
  const places = say('ps')
  const [, end = ''] = /tenant A 0x[0-9a-f]{8} to 0x([0-9a-f]{8})/.exec(places.map(({ text }) => text).join('\n')) ?? []
  const evidence: DrillEvidence[] = []
  let memory = ''
  // From its end downwards: data lies behind the program.
  for (let back = PEEK_OCTETS; back <= LOOKED_THROUGH_OCTETS && !TOKEN.test(memory); back += PEEK_OCTETS) {
    const address = `0x${(parseInt(end, 16) - back).toString(16)}`
    const lines = say(`peek ${address} ${PEEK_OCTETS}`)
    const octets = lines.map(({ text }) => ROW.exec(text)?.[2]?.replaceAll(' ', '') ?? '').join('')
    memory = latin1Text(octetsOfHex(octets)) + memory
    evidence.push(...lines.filter(({ text }) => /fault|tok_/.test(text)).map(({ atNs, text }) => ({ atNs, text })))
  }
  const [token] = TOKEN.exec(memory) ?? []
  const isTrue = session.planted.some(({ value }) => value === token)
  const summary = isTrue
    ? `tenant B reads the token of tenant A: ${token}`
    : 'the machine traps at the first octet that is not tenant B’s own'
  const outcome = {
    verdict: isTrue ? ('succeeded' as const) : ('stopped' as const),
    summary,
    evidence: evidence.slice(0, EVIDENCE_ROWS_MAX),
    framesSent: 0,
    octetsSent: 0,
  }
  return { outcome, trace: session.trace, capture: session.world.rack.tap }
}
