import { describe, expect, test } from 'vitest'
import { findActions, runAction, type Action } from '../../../renderer/composables/use-actions.js'
import { isWindowKey, matches } from '../../../renderer/composables/use-keyboard.js'
import { paletteOf } from '../../../renderer/composables/use-theme.js'

const press = (key: string, held: Partial<KeyboardEvent> = {}) =>
  ({ key, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...held }) as KeyboardEvent

describe('matches', () => {
  test('single keys want no modifier', () => {
    expect(matches(press(' '), 'Space')).toBe(true)
    expect(matches(press('m'), 'm')).toBe(true)
    expect(matches(press('m', { ctrlKey: true }), 'm')).toBe(false)
    expect(matches(press('M', { shiftKey: true }), 'm')).toBe(false)
    expect(matches(press('?', { shiftKey: true }), '?')).toBe(true)
  })

  test('Ctrl is also Command; Shift counts', () => {
    expect(matches(press('k', { metaKey: true }), 'Ctrl+K')).toBe(true)
    expect(matches(press('P', { ctrlKey: true, shiftKey: true }), 'Ctrl+Shift+P')).toBe(true)
    expect(matches(press('p', { ctrlKey: true }), 'Ctrl+Shift+P')).toBe(false)
    expect(matches(press('F6', { shiftKey: true }), 'F6')).toBe(false)
  })

  test('a terminal keeps its keys but the ways out', () => {
    expect(isWindowKey(press('F6'))).toBe(true)
    expect(isWindowKey(press('k', { ctrlKey: true }))).toBe(false)
    expect(isWindowKey(press('k', { metaKey: true }))).toBe(true)
    expect(isWindowKey(press('c', { ctrlKey: true }))).toBe(false)
  })
})

describe('paletteOf', () => {
  test('follows the system unless a theme was chosen', () => {
    expect(paletteOf('system', { dark: true, contrast: false })).toBe('dark')
    expect(paletteOf('system', { dark: false, contrast: false })).toBe('light')
    expect(paletteOf('system', { dark: false, contrast: true })).toBe('high-contrast')
    expect(paletteOf('light', { dark: true, contrast: true })).toBe('light')
    expect(paletteOf('projector', { dark: true, contrast: false })).toBe('light')
  })
})

test('runAction runs what can be run, and nothing else', () => {
  const ran: string[] = []
  const action = (id: string, isAvailable: boolean): Action => {
    return { id, title: id, group: 'View', isAvailable, run: () => void ran.push(id) }
  }
  const actions = [action('ready', true), action('not now', false)]
  for (const id of ['not now', 'unknown', 'ready']) runAction(actions, id)
  expect(ran).toEqual(['ready'])
})

describe('findActions', () => {
  const action = (title: string, isAvailable = true): Action => ({
    id: title,
    title,
    group: 'Run',
    isAvailable,
    run: () => undefined,
  })

  test('every word must be there; titles that begin with the first come first', () => {
    const actions = [action('Open a capture'), action('Capture: save'), action('Hidden capture', false)]
    expect(findActions(actions, 'cap').map(({ title }) => title)).toEqual(['Capture: save', 'Open a capture'])
    expect(findActions(actions, 'capture open').map(({ title }) => title)).toEqual(['Open a capture'])
    expect(findActions(actions, '')).toHaveLength(2)
  })
})
