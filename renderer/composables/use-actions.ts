/** Everything a person can ask of the window, once: menus, keys and the command palette all show this list. */
import { inject, type ComputedRef, type InjectionKey } from 'vue'

export interface Action {
  readonly id: string
  readonly title: string
  readonly keys?: string
  readonly group: 'Run' | 'Experiment' | 'View' | 'File' | 'Help'
  readonly isAvailable: boolean
  readonly run: () => void
}

export const actionsKey: InjectionKey<ComputedRef<readonly Action[]>> = Symbol('actions')

export function injectActions(): ComputedRef<readonly Action[]> {
  const actions = inject(actionsKey)
  if (actions === undefined) throw new Error('No actions were provided')
  return actions
}

/** Runs the action of that id, if it can be run now. */
export function runAction(actions: readonly Action[], id: string): void {
  const action = actions.find((candidate) => candidate.id === id)
  if (action?.isAvailable) action.run()
}

/** Those whose title holds every word of `query`, best first: titles that begin with it. */
export function findActions(actions: readonly Action[], query: string): readonly Action[] {
  const words = query.trim().toLowerCase().split(/\s+/)
  return actions
    .filter(
      ({ isAvailable, title, group }) =>
        isAvailable && words.every((word) => `${title} ${group}`.toLowerCase().includes(word)),
    )
    .toSorted((a, b) => rank(a, words[0]!) - rank(b, words[0]!))
}

function rank({ title }: Action, word: string): number {
  return title.toLowerCase().startsWith(word) ? 0 : 1
}
