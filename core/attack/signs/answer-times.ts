/**
 * Timing: a detour through somebody's computer takes time. Between two stations of the segment, the time from a question (an echo
 * request, a SYN) to its answer is compared with that of the first questions, while the wire is idle: a queue is no detour. Whoever
 * announces that it has moved begins anew.
 */
import { readU16be, readU32be } from '../../base/octets.js'
import { milliseconds, type Nanos } from '../../base/units.js'
import { ipText, readMac, type Ipv4Address, type MacAddress } from '../../net/wire/addresses.js'
import { IP_PROTOCOL } from '../../net/wire/ipv4.js'
import type { CapturedTcp } from '../../net/wire/link-layer.js'
import { TCP_FLAG } from '../../net/wire/tcp.js'
import type { AddressSigns } from './address-signs.js'
import type { SeenFrame, SignKind, SignList } from './intruder-sign.js'

const ECHO = { reply: 0, request: 8 } as const
const ICMP_OCTETS = 8
const QUESTIONS_MAX = 256
const PATHS_MAX = 256
/** So many answers are the measure, and so many later ones, one after another, must take longer. */
const MEASURE = 32
const SLOWER_MIN = 16
/** Longer than the slowest of the measure by half, and by this. */
const SLOWER_FACTOR = 1.5
const SLOWER_NS: Nanos = 50_000
/** A detour adds always the same: times that differ by more than this are those of a busy station. */
const SPREAD_MAX = 1.25
/** The wire is idle if no more than this passed in the spell before. */
const SPELL_NS: Nanos = milliseconds(10)
const IDLE_OCTETS_MAX = 16_384

interface Question {
  readonly atNs: Nanos
  readonly packet: number
}

/** Answers, and what they took. */
interface Spell {
  answers: number
  quickestNs: Nanos
  slowestNs: Nanos
}

/** From who asks to who answers. */
interface Path {
  readonly asker: Ipv4Address
  readonly answerer: Ipv4Address
  readonly askerMac: MacAddress
  readonly answererMac: MacAddress
  readonly measure: Spell
  lastPacket: number
  /** Answers since the last that was not slower. */
  slower: Spell
  readonly told: Set<SignKind>
}

export class AnswerTimes {
  private readonly questions = new Map<string, Question>()
  private readonly paths = new Map<string, Path>()
  private spellNow = 0
  private octetsNow = 0
  private octetsBefore = 0

  constructor(
    private readonly list: SignList,
    private readonly addresses: AddressSigns,
  ) {}

  /** Every frame: how busy the wire is. */
  passed({ atNs, octets }: SeenFrame): void {
    const spell = Math.floor(atNs / SPELL_NS)
    if (spell !== this.spellNow) {
      this.octetsBefore = spell === this.spellNow + 1 ? this.octetsNow : 0
      this.octetsNow = 0
      this.spellNow = spell
    }
    this.octetsNow += octets.length
  }

  icmp(frame: SeenFrame): void {
    const { octets, start } = frame
    const icmp = start + 4 * ((octets[start] ?? 0) & 15)
    if (octets[start + 9] !== IP_PROTOCOL.icmp || octets.length < icmp + ICMP_OCTETS) return
    const type = octets[icmp]
    if (type !== ECHO.request && type !== ECHO.reply) return
    const source = readU32be(octets, start + 12)
    const destination = readU32be(octets, start + 16)
    const word = `echo ${readU32be(octets, icmp + 4)}`
    if (type === ECHO.request) this.asked(frame, source, destination, word)
    else this.answered(frame, destination, source, word)
  }

  segment(frame: SeenFrame, { ip: { source, destination }, segment }: CapturedTcp): void {
    if ((segment.flags & TCP_FLAG.syn) === 0 || typeof source !== 'number' || typeof destination !== 'number') return
    const { sourcePort, destinationPort, sequence, acknowledgment } = segment
    if ((segment.flags & TCP_FLAG.ack) === 0)
      this.asked(frame, source, destination, `${sourcePort} ${destinationPort} ${(sequence + 1) >>> 0}`)
    else this.answered(frame, destination, source, `${destinationPort} ${sourcePort} ${acknowledgment}`)
  }

  /** An ARP message by which a station tells everybody where it is, or (RARP) that it is here now. */
  announced({ octets, start, source }: SeenFrame): void {
    if (octets.length < start + 28) return
    const sender = readU32be(octets, start + 14)
    const isReverse = readU16be(octets, start + 6) > 2
    if (isReverse) this.forget((path) => path.askerMac === source || path.answererMac === source)
    else if (sender === readU32be(octets, start + 24) && readMac(octets, start + 8) === source)
      this.forget(({ asker, answerer }) => asker === sender || answerer === sender)
  }

  private forget(isMeant: (path: Path) => boolean): void {
    for (const [key, path] of this.paths) if (isMeant(path)) this.paths.delete(key)
  }

  private get isIdle(): boolean {
    return this.octetsNow + this.octetsBefore <= IDLE_OCTETS_MAX
  }

  private asked({ atNs, packet }: SeenFrame, asker: Ipv4Address, answerer: Ipv4Address, word: string): void {
    if (!this.isIdle) return
    const key = `${asker} ${answerer} ${word}`
    // A question that is seen again on its way keeps its first time.
    if (this.questions.has(key)) return
    const [oldest] = this.questions.keys()
    if (this.questions.size === QUESTIONS_MAX && oldest !== undefined) this.questions.delete(oldest)
    this.questions.set(key, { atNs, packet })
  }

  private answered(frame: SeenFrame, asker: Ipv4Address, answerer: Ipv4Address, word: string): void {
    const key = `${asker} ${answerer} ${word}`
    const question = this.questions.get(key)
    const path = question === undefined ? null : this.pathOf(asker, answerer)
    // On its way to somebody else it is not the answer yet.
    if (question === undefined || path === null || path.askerMac !== frame.destination) return
    this.questions.delete(key)
    if (this.isIdle) this.took(path, frame, frame.atNs - question.atNs)
  }

  private took(path: Path, { packet, atNs }: SeenFrame, spanNs: Nanos): void {
    const { measure } = path
    if (measure.answers < MEASURE) {
      path.lastPacket = packet
      return add(measure, spanNs)
    }
    if (spanNs < Math.max(SLOWER_FACTOR * measure.slowestNs, measure.slowestNs + SLOWER_NS)) {
      path.slower = noAnswers()
      return
    }
    add(path.slower, spanNs)
    if (path.slower.answers < SLOWER_MIN || !isSteady(measure) || !isSteady(path.slower)) return
    this.list.tell(path.told, 'slower-answers', [path.lastPacket, packet], atNs, () => {
      const [before, now] = [measure.slowestNs, path.slower.quickestNs].map((ns) => (ns / 1e3).toFixed(1))
      return `${ipText(path.answerer)} answered ${ipText(path.asker)} in ${before} µs or less, and now takes ${now} µs or more, though the wire is idle`
    })
  }

  private pathOf(asker: Ipv4Address, answerer: Ipv4Address): Path | null {
    const key = `${asker} ${answerer}`
    const known = this.paths.get(key)
    if (known !== undefined) return known
    const askerMac = this.addresses.stationOf(asker)
    const answererMac = this.addresses.stationOf(answerer)
    if (askerMac === null || answererMac === null || this.paths.size === PATHS_MAX) return null
    const parts = { measure: noAnswers(), lastPacket: 0, slower: noAnswers(), told: new Set<SignKind>() }
    const fresh = { asker, answerer, askerMac, answererMac, ...parts }
    this.paths.set(key, fresh)
    return fresh
  }
}

const noAnswers = (): Spell => ({ answers: 0, quickestNs: Infinity, slowestNs: 0 })

function add(spell: Spell, spanNs: Nanos): void {
  spell.answers++
  spell.quickestNs = Math.min(spell.quickestNs, spanNs)
  spell.slowestNs = Math.max(spell.slowestNs, spanNs)
}

const isSteady = ({ quickestNs, slowestNs }: Spell): boolean => slowestNs <= SPREAD_MAX * quickestNs
