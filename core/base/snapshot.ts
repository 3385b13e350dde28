/**
 * Kept states: a deep copy of a graph of objects, prototypes and shared references included.
 *
 * The engine keeps no closures and no handles to the outside, so copying what it holds is saving it, and copying the
 * copy is loading it. Frozen objects (guest images, tables) are shared, not copied. An object may bring its own way by
 * implementing `SelfCopying`.
 *
 * A state that is kept to go back to is copied twice, in and out, and most of it is memory that does not change between
 * two kept states. `keepGraph` lets objects share that with the state kept before.
 */
import { AssertionError } from './errors.js'

/** What a copy is for: to go on from, or to be kept and copied again. */
export type CopyPurpose = 'live' | 'kept'

export interface SelfCopying {
  /**
   * Returns the copy of this object, or null to be copied as any other. `copy` copies what it refers to; `register` must
   * be called with the copy first. What is made to be kept needs no other method than this one.
   */
  copySelf(copy: <T>(value: T) => T, register: (copied: object) => void, purpose: CopyPurpose): object | null
}

/** A state that waits. */
export class KeptGraph<T> {
  constructor(private readonly graph: T) {}

  /** The graph as it was when it was kept, to go on from, as often as asked for. */
  restore(): T {
    return copyGraph(this.graph)
  }
}

export function keepGraph<T>(root: T): KeptGraph<T> {
  return new KeptGraph(copyGraph(root, 'kept'))
}

type TypedArray = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array | BigUint64Array

/**
 * An object of the same class with the same properties, still those of `value`. The literal names its prototype first: a prototype that is
 * set later, or properties added one by one under computed names, leave an object that is four to ten times slower to use
 * than one that its constructor made.
 */
export function shallowCopy<T extends object>(value: T): T {
  return { __proto__: Object.getPrototypeOf(value) as object | null, ...value }
}

export function copyGraph<T>(root: T, purpose: CopyPurpose = 'live'): T {
  const copies = new Map<object, object>()
  const copyBuffer = (buffer: ArrayBufferLike): ArrayBuffer => {
    const known = copies.get(buffer) as ArrayBuffer | undefined
    if (known !== undefined) return known
    const copied = buffer.slice(0) as ArrayBuffer
    copies.set(buffer, copied)
    return copied
  }

  const pending: { from: object; to: object; path: string }[] = []

  const copyValue = <V>(value: V, path: string): V => {
    if (typeof value === 'function')
      throw new AssertionError(`${path} is a function: what lives between two events must be data`)
    if (typeof value !== 'object' || value === null) return value
    const known = copies.get(value)
    if (known !== undefined) return known as V
    if (Object.isFrozen(value) && !ArrayBuffer.isView(value)) return value

    const remember = (copied: object): void => void copies.set(value, copied)
    if ('copySelf' in value && typeof value.copySelf === 'function') {
      const self = value as unknown as SelfCopying
      const copied = self.copySelf((inner) => copyValue(inner, path), remember, purpose)
      if (copied !== null) return copied as V
    }
    if (value instanceof ArrayBuffer) return copyBuffer(value) as V
    if (ArrayBuffer.isView(value)) {
      const view = value as unknown as TypedArray | DataView
      const Constructor = view.constructor as new (buffer: ArrayBuffer, offset: number, length: number) => object
      const copied = new Constructor(
        copyBuffer(view.buffer),
        view.byteOffset,
        view instanceof DataView ? view.byteLength : view.length,
      )
      remember(copied)
      return copied as V
    }
    const copied =
      value instanceof Map
        ? new Map()
        : value instanceof Set
          ? new Set()
          : Array.isArray(value)
            ? new Array(value.length)
            : shallowCopy(value)
    remember(copied)
    // Filled later, from a list, so that a long chain of references does not exhaust the call stack.
    pending.push({ from: value, to: copied, path })
    return copied as V
  }

  const result = copyValue(root, 'root')
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { from, to, path } = next
    if (from instanceof Map)
      for (const [key, entry] of from as Map<unknown, unknown>)
        (to as Map<unknown, unknown>).set(copyValue(key, `${path}.key`), copyValue(entry, `${path}[${String(key)}]`))
    else if (from instanceof Set)
      for (const entry of from as Set<unknown>) (to as Set<unknown>).add(copyValue(entry, `${path}.entry`))
    else
      for (const key of Object.keys(from))
        (to as Record<string, unknown>)[key] = copyValue((from as Record<string, unknown>)[key], `${path}.${key}`)
  }
  return result
}
