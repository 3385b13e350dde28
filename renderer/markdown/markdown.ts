/**
 * The Markdown of labs: paragraphs, headings, bullet and numbered lists, fenced code, and in a line strong, emphasis,
 * code and links. Parsed to a tree that the window turns into elements, never into HTML text; anything else is shown as
 * it is written. Links are shown as their words with the address behind them in brackets: the window opens nothing.
 */
export type Inline =
  | { readonly kind: 'text' | 'strong' | 'em' | 'code'; readonly text: string }
  | { readonly kind: 'link'; readonly text: string; readonly address: string }

export type Block =
  | { readonly kind: 'paragraph'; readonly content: readonly Inline[] }
  | { readonly kind: 'heading'; readonly content: readonly Inline[] }
  | { readonly kind: 'list'; readonly ordered: boolean; readonly items: readonly (readonly Inline[])[] }
  | { readonly kind: 'code'; readonly text: string }

const bullet = /^\s{0,3}[-*]\s+(.*)$/
const numbered = /^\s{0,3}\d+[.)]\s+(.*)$/
const heading = /^#{1,6}\s+(.*)$/

export function parseMarkdown(source: string): Block[] {
  const lines = source.replace(/\r\n?/g, '\n').split('\n')
  const blocks: Block[] = []
  let at = 0
  while (at < lines.length) {
    const line = lines[at]!
    if (line.trim() === '') {
      at++
    } else if (line.startsWith('```')) {
      const end = lines.findIndex((candidate, index) => index > at && candidate.startsWith('```'))
      const stop = end === -1 ? lines.length : end
      blocks.push({ kind: 'code', text: lines.slice(at + 1, stop).join('\n') })
      at = stop + 1
    } else if (heading.test(line)) {
      blocks.push({ kind: 'heading', content: parseInline(heading.exec(line)![1]!) })
      at++
    } else if (bullet.test(line) || numbered.test(line)) {
      const marker = bullet.test(line) ? bullet : numbered
      const [items, next] = takeList(lines, at, marker)
      blocks.push({ kind: 'list', ordered: marker === numbered, items: items.map(parseInline) })
      at = next
    } else {
      const start = at
      while (at < lines.length && continuesParagraph(lines[at]!, at === start)) at++
      blocks.push({ kind: 'paragraph', content: parseInline(lines.slice(start, at).join(' ')) })
    }
  }
  return blocks
}

function continuesParagraph(line: string, isFirst: boolean): boolean {
  if (line.trim() === '') return false
  return isFirst || !(line.startsWith('```') || heading.test(line) || bullet.test(line) || numbered.test(line))
}

/** The items from line `at` on; an indented line belongs to the item above it. */
function takeList(lines: readonly string[], at: number, marker: RegExp): [string[], number] {
  const items: string[] = []
  for (; at < lines.length; at++) {
    const line = lines[at]!
    const match = marker.exec(line)
    if (match) items.push(match[1]!)
    else if (/^\s+\S/.test(line)) items[items.length - 1] += ` ${line.trim()}`
    else break
  }
  return [items, at]
}

const inline = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|_([^_\s][^_]*)_(?!\w)|\[([^\]]+)\]\(([^()\s]+)\)/g

export function parseInline(source: string): Inline[] {
  const parts: Inline[] = []
  let end = 0
  for (const match of source.matchAll(inline)) {
    const [whole, code, strong, starred, underlined, words, address] = match
    // An underscore inside a word is a name such as `working_set`, not emphasis.
    if (underlined !== undefined && /\w$/.test(source.slice(0, match.index))) continue
    if (match.index > end) parts.push({ kind: 'text', text: source.slice(end, match.index) })
    if (code !== undefined) parts.push({ kind: 'code', text: code })
    else if (strong !== undefined) parts.push({ kind: 'strong', text: strong })
    else if (words !== undefined && address !== undefined) parts.push({ kind: 'link', text: words, address })
    else parts.push({ kind: 'em', text: starred ?? underlined ?? '' })
    end = match.index + whole.length
  }
  if (end < source.length) parts.push({ kind: 'text', text: source.slice(end) })
  return parts
}
