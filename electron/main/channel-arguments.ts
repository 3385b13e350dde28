// What the page sends is checked before it is believed: a page that was broken into must get no further than this.
import { savedKinds, themes } from '../ipc/contract.js'
import type { Channel, FileToSave, IpcContract, SessionToSave } from '../ipc/contract.js'
import { isSessionId } from './session-store.js'

const octetsMax = 1024 * 1024 * 1024
/** Of a live capture, in one piece. */
const liveOctetsMax = 16 * 1024 * 1024

function refuse(what: string): never {
  throw new TypeError(`Refused: ${what}`)
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : refuse('not an object')
}

function text(value: unknown, what: string, lengthMax: number): string {
  return typeof value === 'string' && value.length > 0 && value.length <= lengthMax ? value : refuse(what)
}

function octets(value: unknown, lengthMax = octetsMax): Uint8Array {
  return value instanceof Uint8Array && value.length <= lengthMax ? value : refuse('not octets')
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[], what: string): T {
  return allowed.find((item) => item === value) ?? refuse(what)
}

function sessionId(value: unknown): string {
  return isSessionId(value) ? value : refuse('not a session id')
}

function fileToSave(value: unknown): FileToSave {
  const file = record(value)
  return {
    kind: oneOf(file.kind, savedKinds, 'not a kind of file this app saves'),
    suggestedName: text(file.suggestedName, 'not a file name', 200),
    octets: octets(file.octets),
  }
}

function sessionToSave(value: unknown): SessionToSave {
  const session = record(value)
  return { id: sessionId(session.id), title: text(session.title, 'not a title', 500), octets: octets(session.octets) }
}

type Check<C extends Channel> = (args: readonly unknown[]) => Parameters<IpcContract[C]>

const none = (): [] => []

/** Every channel's arguments, checked and stripped of anything extra. Each throws a TypeError. */
export const checkArguments: { readonly [C in Channel]: Check<C> } = {
  'capture:open': none,
  'capture:recent': none,
  'capture:open-recent': ([path]) => [text(path, 'not a path', 4096)],
  'file:save': ([file]) => [fileToSave(file)],
  'session:save': ([session]) => [sessionToSave(session)],
  'session:load': ([id]) => [sessionId(id)],
  'session:list': none,
  'session:remove': ([id]) => [sessionId(id)],
  'theme:set': ([theme]) => [oneOf(theme, themes, 'not a theme')],
  'app:about': none,
  'wireshark:find': none,
  'wireshark:start': none,
  'wireshark:write': ([piece]) => [octets(piece, liveOctetsMax)],
  'wireshark:end': none,
  'window:closed': none,
}
