/** Reads networks from YAML files. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isNode, LineCounter, parseDocument, type Document } from 'yaml'
import { InputError, LabError } from '../core/base/errors.js'
import { parseNetworkPlan, type NetworkPlan } from '../core/session/network-plan.js'
import { NetworkRun } from '../core/session/network-run.js'
import { projectRoot } from './lab-files.js'

/** The file of that path, or the example of that name: `vlans` is labs/networks/vlans.yaml. Throws `InputError`. */
export function findNetwork(name: string): NetworkFile {
  const folder = join(projectRoot(), 'labs', 'networks')
  const examples = readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
  if (examples.includes(name)) return new NetworkFile(join(folder, `${name}.yaml`))
  if (!existsSync(name))
    throw new InputError(`there is no file ${name}, and no example of that name; there are: ${examples.join(', ')}`)
  return new NetworkFile(name)
}

/** Bounds what an alias of an alias can grow to. */
const ALIASES_MAX = 100

export class NetworkFile {
  private readonly lines = new LineCounter()
  private readonly document: Document.Parsed
  readonly plan: NetworkPlan

  /** Throws `InputError` naming file, line and place. */
  constructor(private readonly path: string) {
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
    this.plan = this.naming(() => parseNetworkPlan(this.values()))
  }

  /** Throws `InputError` as the constructor does. */
  run(seed?: string): NetworkRun {
    return this.naming(() => new NetworkRun(this.plan, seed))
  }

  private values(): unknown {
    try {
      return this.document.toJS({ maxAliasCount: ALIASES_MAX }) as unknown
    } catch (error) {
      if (error instanceof ReferenceError) throw new InputError(`${this.path}: its aliases stand for too much`)
      throw error
    }
  }

  private naming<T>(work: () => T): T {
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
