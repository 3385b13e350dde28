/**
 * People by structure: a record whose adjoining fields are a person's name, an e-mail address and a telephone number, the
 * address in the middle. One of the three alone proves nothing: programs and web pages are full of addresses.
 */
import type { FindingList } from './secret-finding.js'
import { fieldAt, fieldStartAfter, fieldStartBefore, offsetIn, placeOf, textOf, type TextRun } from './text-run.js'

const AT = 0x40
const GAP_MAX = 64

/** RFC 5321's mailbox as far as it is in common use. */
const mailForm = /^[A-Za-z0-9][\w.+-]{0,63}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}$/
/** E.164 allows 15 digits; separators as people write them. A date is none. */
const phoneForm = /^(?!\d{4}-\d\d-\d\d$)\+?[(\d][\d ()/-]{5,20}\d$/
const nameForm = /^[A-Z][A-Za-z'.-]+(?: [A-Z][A-Za-z'.-]*){1,3}$/

const isPhone = (text: string): boolean => {
  const digits = text.replace(/\D/g, '').length
  return phoneForm.test(text) && digits >= 7 && digits <= 15
}

/** `run` is one whole field, ended by a zero character. */
export function findContact(run: TextRun, image: Uint8Array, found: FindingList): void {
  if (run.octets.subarray(run.start, run.end).indexOf(AT) < 0) return
  const mail = textOf(run, run.start, run.end)
  if (!mailForm.test(mail)) return
  const { width } = run
  const before = fieldAt(image, fieldStartBefore(image, offsetIn(run, run.start), width, GAP_MAX), width)
  const after = fieldAt(image, fieldStartAfter(image, offsetIn(run, run.end), width, GAP_MAX), width)
  const [name, phone] = isPhone(after) ? [before, after] : [after, before]
  if (!isPhone(phone) || !nameForm.test(name)) return
  const why = `e-mail address between a name and a telephone number, ${phone}`
  found.add({ kind: 'contact', value: mail, name, confidence: 'high', why }, placeOf(run, run.start, run.end))
}
