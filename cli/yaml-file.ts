/** A YAML file whose mistakes are named by file, line and place. */
import { readFileSync } from 'node:fs'
import { isNode, LineCounter, parseDocument, type Document } from 'yaml'
import { InputError, LabError } from '../core/base/errors.js'

/** Bounds what an alias of an alias can grow to. */
const ALIASES_MAX = 100

export class YamlFile {
  private readonly lines = new LineCounter()
  private readonly document: Document.Parsed

  /** Throws `InputError` naming file and line. */
  constructor(readonly path: string) {
    let text: string
    try {
      text = readFileSync(path, 'utf8')
    } catch (error) {
      throw new InputError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
    }
    this.document = parseDocument(text, { lineCounter: this.lines, prettyErrors: false })
    const [mistake] = this.document.errors
    if (mistake !== undefined)
      throw new InputError(`${path}:${this.lines.linePos(mistake.pos[0]).line}: ${mistake.message}`)
  }

  values(): unknown {
    try {
      return this.document.toJS({ maxAliasCount: ALIASES_MAX }) as unknown
    } catch (error) {
      if (error instanceof ReferenceError) throw new InputError(`${this.path}: its aliases stand for too much`)
      throw error
    }
  }

  /** What `work` makes of the values; a `LabError` becomes an `InputError` with file, line and place. */
  naming<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      if (error instanceof LabError)
        throw new InputError(`${this.path}:${this.lineOf(error.path)}: ${error.path}: ${error.reason}`)
      throw error
    }
  }

  /** Of the innermost thing along the path that stands in the file. */
  private lineOf(path: string): number {
    const parts = (path.match(/[^.[\]]+/g) ?? []).map((part) => (/^\d+$/.test(part) ? Number(part) : part))
    for (; parts.length > 0; parts.pop()) {
      const node = this.document.getIn(parts, true) ?? this.document.getIn(parts.map(String), true)
      if (isNode(node) && node.range) return this.lines.linePos(node.range[0]).line
    }
    return 1
  }
}
