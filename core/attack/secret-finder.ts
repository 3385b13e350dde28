/**
 * Search memory for secrets by pattern and structure alone: no value and no address is known beforehand.
 *
 * One pass finds the runs of text (text-run.ts); a few characters inside a run are the beginning or the middle of
 * every pattern, and only at those a pattern is tried. Random octets are passed at several hundred MB/s.
 */
import { CredentialTables, findTypedLogin, isWholeField } from './find-credentials.js'
import { findCard } from './find-cards.js'
import { findContact } from './find-contacts.js'
import { findPasswordHash } from './find-password-hashes.js'
import { findPrivateKey } from './find-keys.js'
import { findKeyedField, findSetting, findToken } from './find-settings.js'
import { FindingList, type SecretFinding } from './secret-finding.js'
import { type TextRun, visitTextRuns } from './text-run.js'

const OTHER = 0
const DIGIT = 1
const HYPHEN = 2
const SEPARATOR = 3
const JOINT = 4
const LINE_END = 5
const HASH_START = 6

/** Which pattern a character may belong to. */
const triggers = new Uint8Array(256)
for (let digit = 0x30; digit < 0x3a; digit++) triggers[digit] = DIGIT
triggers[0x2d] = HYPHEN
triggers[0x3a] = SEPARATOR
triggers[0x3d] = SEPARATOR
triggers[0x5f] = JOINT
triggers[0x2e] = JOINT
triggers[0x24] = HASH_START
triggers[0x7b] = HASH_START
triggers[0x0a] = LINE_END
triggers[0x0d] = LINE_END

/** Shortest run in which a pattern other than a field of a record can stand. */
const PATTERN_MIN = 8

class RunSearch {
  private readonly tables: CredentialTables

  constructor(
    private readonly image: Uint8Array,
    private readonly found: FindingList,
  ) {
    this.tables = new CredentialTables(image)
  }

  textRun(run: TextRun): void {
    if (run.end - run.start >= PATTERN_MIN) this.searchInside(run)
    if (isWholeField(run, this.image)) {
      findKeyedField(run, this.image, this.found)
      findContact(run, this.image, this.found)
      this.tables.addField(run, this.found)
    }
  }

  private searchInside(run: TextRun): void {
    const { octets, end } = run
    const { found } = this
    for (let at = run.start; at < end;) {
      switch (triggers[octets[at]!]) {
        case OTHER:
          at++
          break
        case DIGIT:
          at = findCard(run, at, found)
          break
        case HYPHEN:
          at = findPrivateKey(run, at, found)
          break
        case SEPARATOR:
          at = findSetting(run, at, found)
          break
        case JOINT:
          at = findToken(run, at, found)
          break
        case HASH_START:
          at = findPasswordHash(run, at, found)
          break
        default:
          findTypedLogin(run, at++, found)
      }
    }
  }
}

/** Look for secrets that touch `from..to` of the image and add them to `found`. What is outside serves as context. */
export function searchSecrets(image: Uint8Array, from: number, to: number, found: FindingList): void {
  visitTextRuns(image, from, to, new RunSearch(image, found))
}

/** All secrets of an image, by address. */
export function findSecrets(image: Uint8Array): readonly SecretFinding[] {
  const found = new FindingList()
  searchSecrets(image, 0, image.length, found)
  return found.list()
}
