import type { StatefulDevice, StateBody, StateField, StateValue, StateValues } from '../../core/machine/device-state.js'
import type { Machine } from '../../core/machine/machine.js'

export function deviceOf(machine: Machine, idstr: string): StatefulDevice {
  const device = machine.devices.find(({ stateDescription }) => stateDescription.idstr === idstr)
  if (device === undefined) throw new Error(`the machine has no ${idstr}`)
  return device
}

/** x0 to x31. */
export function registersOf(machine: Machine): number[] {
  return deviceOf(machine, 'cpu').saveState()['env.gpr'] as number[]
}

/** Where a value stands: names of fields and subsections, and indexes of elements. */
export type StatePath = readonly (string | number)[]

export function valueAt(values: StateValues, path: StatePath): StateValue | undefined {
  let found: StateValue | undefined = values
  for (const step of path) found = (found as Record<string | number, StateValue> | undefined)?.[step]
  return found
}

/** A copy with another value at `path`; without one when it is undefined. */
export function withValue(values: StateValues, path: StatePath, value: unknown): StateValues {
  const [step, ...rest] = path
  if (step === undefined) return value as StateValues
  const inner = withValue((values[step] ?? {}) as StateValues, rest, value)
  if (Array.isArray(values))
    return (values as StateValues[]).map((element, index) => (index === step ? inner : element)) as never
  const others = Object.entries(values).filter(([name]) => name !== step)
  return inner === undefined ? Object.fromEntries(others) : { ...Object.fromEntries(others), [step]: inner }
}

/** The fields of a body that `values` has, those of its structs and subsections among them. */
export function fieldsOf(body: StateBody, values: StateValues): { path: StatePath; field: StateField }[] {
  const own = body.fields
    .filter(({ fixed }) => fixed === undefined)
    .flatMap((field) => {
      if (field.body === undefined) return [{ path: [field.name], field }]
      const value = values[field.name] ?? {}
      const [inner, steps] = Array.isArray(value) ? [value[0] as StateValues, [field.name, 0]] : [value, [field.name]]
      return fieldsOf(field.body, inner as StateValues).map((found) => ({ ...found, path: [...steps, ...found.path] }))
    })
  const present = (body.subsections ?? []).filter(({ vmsdName }) => vmsdName in values)
  const nested = present.flatMap((subsection) =>
    fieldsOf(subsection, values[subsection.vmsdName] as StateValues).map((found) => ({
      ...found,
      path: [subsection.vmsdName, ...found.path],
    })),
  )
  return [...own, ...nested]
}
