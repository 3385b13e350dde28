/**
 * Passwords beside user names, by structure: tables of records of one size in which one column holds names and another
 * texts that someone chose or their hashes, whatever else the records hold; and lines typed at a login.
 */
import { hashSchemeOf, isPasswordHash } from './find-password-hashes.js'
import type { FindingList } from './secret-finding.js'
import { isSettingName, isUserName, isWellKnownUser, looksChosen, looksStrong } from './secret-words.js'
import {
  FIELD_MAX,
  fieldAt,
  fieldStartBefore,
  isKeyCharacter,
  isTextOctet,
  isWordOctet,
  offsetIn,
  placeAt,
  placeOf,
  textOf,
  type TextRun,
} from './text-run.js'

/** Longest record that is considered, octets. */
const STRIDE_MAX = 512
const STRIDE_MIN = 12
/** Two rows prove less than three: only short records count then, with nothing between name and text. */
const PAIR_STRIDE_MAX = 128
const ROWS_MAX = 256
const RECENT_MAX = 4
const REJECTED_MAX = 32

interface Field {
  readonly offset: number
  readonly width: 1 | 2
  readonly text: string
}

interface Table {
  /** Offsets of the chosen text in each row. */
  readonly rows: readonly Field[]
  readonly stride: number
}

/** Judges fields as they come, in order of address, and finds the tables they stand in. */
export class CredentialTables {
  private readonly recent: Field[] = []
  private coveredTo = 0
  /** Tables that were looked at and were none, so that a long one is not walked again from each of its rows. */
  private readonly rejected: { stride: number; to: number }[] = []

  constructor(private readonly image: Uint8Array) {}

  /** `run` is one whole field, ended by a zero character. */
  addField(run: TextRun, found: FindingList): void {
    if (!mayBeChosen(run)) return
    const field = { offset: offsetIn(run, run.start), width: run.width, text: textOf(run, run.start, run.end) }
    if (field.offset < this.coveredTo || !isChosenOrHash(field.text)) return
    this.addSingle(field, found)
    if (!this.isPadded(field)) return
    for (const earlier of this.recent) {
      const stride = field.offset - earlier.offset
      if (stride < STRIDE_MIN || stride > STRIDE_MAX || earlier.width !== field.width) continue
      if (
        this.rejected.some(({ stride: s, to }) => s === stride && field.offset <= to && (to - field.offset) % s === 0)
      )
        continue
      const rows = this.rowsThrough(field, stride)
      const lastOffset = rows.at(-1)?.offset ?? field.offset
      if (!isTable(rows, stride) || !this.addRows({ rows, stride }, found)) {
        this.rejected.push({ stride, to: lastOffset })
        if (this.rejected.length > REJECTED_MAX) this.rejected.shift()
        continue
      }
      this.coveredTo = lastOffset + 1
      this.recent.length = 0
      return
    }
    this.recent.push(field)
    if (this.recent.length > RECENT_MAX) this.recent.shift()
  }

  /** The rows a stride apart, both ways from `field`, as long as each holds a text without spaces. */
  private rowsThrough(field: Field, stride: number): readonly Field[] {
    const rows: Field[] = [field]
    for (const step of [-stride, stride])
      for (let offset = field.offset + step, count = 0; count < ROWS_MAX; offset += step, count++) {
        const text = this.isFieldStart(offset, field.width) ? fieldAt(this.image, offset, field.width) : ''
        const row = { offset, width: field.width, text }
        if (text.length < 4 || text.includes(' ') || !this.isPadded(row)) break
        rows.push(row)
      }
    return rows.sort((a, b) => a.offset - b.offset)
  }

  /** At least two zeros follow: a field of fixed length, not a string packed among others. */
  private isPadded({ offset, width, text }: Field): boolean {
    const end = offset + text.length * width
    return this.image[end] === 0 && this.image[end + width] === 0 && this.image[end + 2 * width - 1] === 0
  }

  /** Text starts at `offset`: what is before it is not text of the same width. */
  private isFieldStart(offset: number, width: 1 | 2): boolean {
    const { image } = this
    if (offset < width || !isTextOctet(image[offset])) return false
    return width === 1 ? !isTextOctet(image[offset - 1]) : image[offset - 1] === 0 && !isTextOctet(image[offset - 2])
  }

  /** Find the column of names, nearest before the texts, else nearest after; add a finding a row. */
  private addRows({ rows, stride }: Table, found: FindingList): boolean {
    const first = rows[0]
    if (first === undefined) return false
    const { width } = first
    for (const direction of [-1, 1])
      for (let distance = width; distance < stride; distance += width) {
        const column = direction * distance
        if (!this.isFieldStart(first.offset + column, width)) continue
        const names = this.namesIn(rows, column)
        if (names === null && rows.length < 3) return false
        if (names === null || !this.hasOneLayout(rows, stride, Math.min(column, 0))) continue
        for (const [index, row] of rows.entries()) {
          const name = names[index] ?? ''
          found.users.add(name)
          const why = `row of a table of ${rows.length} records of ${stride} octets, beside a user name`
          this.addPair(row, name, why, rows.length >= 3 ? 'high' : 'medium', found)
        }
        return true
      }
    return false
  }

  private namesIn(rows: readonly Field[], column: number): readonly string[] | null {
    const names: string[] = []
    for (const { offset, width } of rows) {
      const name = this.isFieldStart(offset + column, width) ? fieldAt(this.image, offset + column, width) : ''
      if (!isUserName(name) || isSettingName(name) || looksStrong(name)) return null
      if (!this.isPadded({ offset: offset + column, width, text: name })) return null
      names.push(name)
    }
    return new Set(names).size * 10 >= names.length * 8 ? names : null
  }

  /**
   * Records of one kind have their fields at the same places; strings that happen to lie a stride apart have others
   * between them, anywhere. `start` is where a record may begin, counted from its text.
   */
  private hasOneLayout(rows: readonly Field[], stride: number, start: number): boolean {
    let fields = 0
    let common = 0
    for (let index = 1; index < rows.length; index++) {
      const [above, here] = [rows[index - 1]!, rows[index]!]
      for (let at = start; at < start + stride; at += here.width) {
        const isAbove = this.isFieldStart(above.offset + at, here.width)
        const isHere = this.isFieldStart(here.offset + at, here.width)
        if (isAbove || isHere) fields++
        if (isAbove && isHere) common++
      }
    }
    return common * 2 >= fields
  }

  /** One record only: a user name everyone knows, then a strong text. */
  private addSingle(field: Field, found: FindingList): void {
    if (!isStrongOrHash(field.text)) return
    const nameAt = fieldStartBefore(this.image, field.offset, field.width, FIELD_MAX)
    const name = nameAt < 0 ? '' : fieldAt(this.image, nameAt, field.width)
    if (isWellKnownUser(name) || found.users.has(name))
      this.addPair(field, name, `strong text in the field after the user name`, 'medium', found)
  }

  private addPair(row: Field, name: string, why: string, confidence: 'high' | 'medium', found: FindingList): void {
    const place = placeAt(row.offset, row.text.length, row.width)
    const scheme = hashSchemeOf(row.text)
    if (scheme === '') found.add({ kind: 'credential', value: row.text, name, confidence, why }, place)
    else
      found.add(
        { kind: 'password-hash', value: row.text, name, confidence: 'high', why: `password hash, ${scheme}` },
        place,
      )
  }
}

const isChosenOrHash = (text: string): boolean => looksChosen(text) || isPasswordHash(text)
const isStrongOrHash = (text: string): boolean => looksStrong(text) || isPasswordHash(text)

/** Two kinds of character at least, one of them a digit or a symbol: rejects most words before they become strings. */
function mayBeChosen({ octets, start, end }: TextRun): boolean {
  let letters = 0
  let others = 0
  for (let at = start; at < end; at++) {
    const octet = octets[at]!
    if ((octet >= 0x61 && octet < 0x7b) || (octet >= 0x41 && octet < 0x5b)) letters++
    else if (octet !== UNDERSCORE) others++
  }
  return letters > 0 && others > 0
}

/** Whether the texts of a column were chosen: most of them look it, and few are repeated. */
function isTable(rows: readonly Field[], stride: number): boolean {
  const chosen = rows.filter((row) => isChosenOrHash(row.text))
  if (chosen.length * 10 < rows.length * 6 || new Set(rows.map((row) => row.text)).size * 2 < rows.length) return false
  // Members of one family, such as names of character sets, are listed, not chosen; passwords may begin alike by chance.
  const alike = rows.filter(({ text }, index) => index > 0 && rows[index - 1]?.text.slice(0, 3) === text.slice(0, 3))
  const strong = chosen.filter(({ text }) => isStrongOrHash(text))
  if (alike.length * 2 >= rows.length - 1 && strong.length * 2 < rows.length) return false
  return rows.length >= 3 || (rows.length === 2 && stride <= PAIR_STRIDE_MAX && strong.length === chosen.length)
}

const UNDERSCORE = 0x5f
const LINE_MAX = 96
const NAME_MAX = 32
const PASSWORD_MIN = 6
const SPACE = 0x20
const COLON = 0x3a
const CARRIAGE_RETURN = 0x0d
const LINE_FEED = 0x0a

const isLineOctet = (octet: number | undefined): boolean =>
  isTextOctet(octet) && octet !== CARRIAGE_RETURN && octet !== LINE_FEED

/**
 * A line ends at `at`. A user name alone on it, then a line without spaces: what was typed at a login, as a terminal's
 * buffer keeps it (RETURN sends a carriage return alone), or as a transcript with its prompts shows it.
 */
export function findTypedLogin(run: TextRun, at: number, found: FindingList): void {
  const { octets } = run
  let nameStart = at
  while (at - nameStart <= NAME_MAX && isKeyCharacter(octets[nameStart - 1])) nameStart--
  if (at - nameStart < 2 || at - nameStart > NAME_MAX) return
  // The name begins its line, or stands after a prompt; anything else, such as a line of a log, ends here.
  let promptEnd = nameStart
  while (nameStart - promptEnd < 2 && octets[promptEnd - 1] === SPACE) promptEnd--
  const hasPrompt = octets[promptEnd - 1] === COLON
  if (!hasPrompt && isLineOctet(octets[nameStart - 1])) return
  if (hasPrompt && !/(?:login|user(?: ?name)?):$/i.test(textOf(run, promptEnd - 10, promptEnd))) return
  let from = at + 1
  const isReturnAlone = octets[at] === CARRIAGE_RETURN && octets[from] !== LINE_FEED
  if (octets[at] === CARRIAGE_RETURN && octets[from] === LINE_FEED) from++
  let end = from
  while (end - from < LINE_MAX && isLineOctet(octets[end])) end++
  if (end - from < PASSWORD_MIN || (octets[end] !== CARRIAGE_RETURN && octets[end] !== LINE_FEED)) return
  const line = /^(pass(?:word|phrase)?: *)?(\S{6,64})$/i.exec(textOf(run, from, end))
  const value = line?.[2] ?? ''
  const name = textOf(run, nameStart, at)
  if (value === '' || /^(.)\1*$/.test(value) || !isUserName(name)) return
  const isKnown = isWellKnownUser(name) || found.users.has(name)
  const hasPrompts = hasPrompt && line?.[1] !== undefined
  const isKnownPassword = found.has('credential', value)
  const isTyped =
    isReturnAlone && octets[end] === CARRIAGE_RETURN && (looksStrong(value) || (isKnown && looksChosen(value)))
  if (!hasPrompts && !isTyped && !(isKnown && (isKnownPassword || looksStrong(value)))) return
  found.add(
    {
      kind: 'credential',
      value,
      name,
      confidence: hasPrompts || isKnown ? 'high' : 'medium',
      why: 'two lines as typed at a login: a user name, then this',
    },
    placeOf(run, end - value.length, end),
  )
}

/** Whether a run is one whole field of a record: no white space, of a field's length, ended by a zero character. */
export function isWholeField(run: TextRun, image: Uint8Array): boolean {
  const length = run.end - run.start
  if (length < 6 || length > FIELD_MAX) return false
  const endAt = offsetIn(run, run.end)
  if (image[endAt] !== 0 || (run.width === 2 && image[endAt + 1] !== 0)) return false
  for (let at = run.start; at < run.end; at++) if (!isWordOctet(run.octets[at])) return false
  return true
}
