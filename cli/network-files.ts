/** Reads networks from YAML files. */
import { parseNetworkPlan, type NetworkPlan } from '../core/session/network-plan.js'
import { NetworkRun } from '../core/session/network-run.js'
import { findExample } from './example-files.js'
import { YamlFile } from './yaml-file.js'

/** The file of that path, or the example of that name: `vlans` is labs/networks/vlans.yaml. Throws `InputError`. */
export function findNetwork(name: string): NetworkFile {
  return new NetworkFile(findExample('networks', name))
}

export class NetworkFile {
  private readonly file: YamlFile
  readonly plan: NetworkPlan

  /** Throws `InputError` naming file, line and place. */
  constructor(path: string) {
    this.file = new YamlFile(path)
    this.plan = this.file.naming(() => parseNetworkPlan(this.file.values()))
  }

  /** Throws `InputError` as the constructor does. */
  run(seed?: string): NetworkRun {
    return this.file.naming(() => new NetworkRun(this.plan, seed))
  }
}
