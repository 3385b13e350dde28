import { describe, expect, test } from 'vitest'
import type { HostView, MigrationView, VmView } from '../../../renderer/engine/contract.js'
import { nextAction, otherControls } from '../../../renderer/words/next-action.js'

const vm = (state: string): VmView => ({
  name: 'web',
  address: '10.0.0.20',
  state,
  ramOctets: 2 ** 24,
  cells: new Uint8Array(96),
})
const host = (name: string, title: string, held: VmView | null = null): HostView => ({
  name,
  title,
  role: 'hypervisor',
  address: '10.0.0.1',
  cores: 4,
  vm: held,
})
const migration = (status: string): MigrationView => ({
  migration: 1,
  status,
  cause: '',
  source: 'a',
  destination: 'b',
  channel: 'none',
  wentClear: false,
  strategy: 'precopy',
  round: 1,
  roundProgress: 0.5,
  remainingPages: 10,
  throttlePercent: 0,
})

describe('nextAction', () => {
  test('boots first', () => {
    const action = nextAction({
      guest: 'web',
      booted: false,
      hosts: [host('a', 'Host A'), host('b', 'Host B')],
      migration: null,
    })
    expect(action).toEqual({ label: 'Boot web', request: { kind: 'boot' } })
  })

  test.each(['shutdown', 'internal-error'])('boots again a guest that is %s, but not while it is moved', (state) => {
    const hosts = [host('a', 'Host A', vm(state)), host('b', 'Host B')]
    const after = (status: string) => nextAction({ guest: 'web', booted: true, hosts, migration: migration(status) })
    expect(after('completed').label).toBe('Boot web')
    expect(after('active').label).toBe('Cancel migration')
  })

  test('names the guest and where it would go', () => {
    const onA = [host('a', 'Host A', vm('running')), host('b', 'Host B')]
    const onB = [host('a', 'Host A'), host('b', 'Host B', vm('running'))]
    expect(nextAction({ guest: 'web', booted: true, hosts: onA, migration: null }).label).toBe('Migrate web to Host B')
    expect(nextAction({ guest: 'web', booted: true, hosts: onB, migration: migration('completed') }).label).toBe(
      'Migrate web to Host A',
    )
  })

  test('the guest counts where it runs, not where it left a paused copy behind', () => {
    const hosts = [host('a', 'Host A', vm('postmigrate')), host('b', 'Host B', vm('running'))]
    expect(nextAction({ guest: 'web', booted: true, hosts, migration: migration('completed') }).label).toBe(
      'Migrate web to Host A',
    )
  })

  test('a running migration can be cancelled, a failed one tried again', () => {
    const hosts = [host('a', 'Host A', vm('running')), host('b', 'Host B', vm('inmigrate'))]
    expect(nextAction({ guest: 'web', booted: true, hosts, migration: migration('active') }).request).toEqual({
      kind: 'cancel-migration',
    })
    expect(nextAction({ guest: 'web', booted: true, hosts, migration: migration('failed') }).label).toBe(
      'Migrate web to Host B',
    )
  })

  test('what can be told to a migration follows its status', () => {
    const hosts = [host('a', 'Host A', vm('postmigrate')), host('b', 'Host B', vm('running'))]
    const main = (status: string) =>
      nextAction({ guest: 'web', booted: true, hosts, migration: migration(status) }).request.kind
    const others = (status: string, strategy: MigrationView['strategy']) =>
      otherControls({ status, strategy }).map(({ request }) => request.kind)
    expect(others('active', 'precopy')).toEqual(['switch-over'])
    expect(others('active', 'hybrid')).toEqual(['start-postcopy', 'switch-over'])
    expect(others('active', 'stop-and-copy')).toEqual([])
    expect([main('pre-switchover'), ...others('pre-switchover', 'precopy')]).toEqual([
      'continue-migration',
      'cancel-migration',
    ])
    expect([main('postcopy-active'), ...others('postcopy-active', 'postcopy')]).toEqual(['pause-migration'])
    expect([main('postcopy-paused'), ...others('postcopy-paused', 'postcopy')]).toEqual([
      'recover-migration',
      'abandon-postcopy',
    ])
    expect(others('completed', 'hybrid')).toEqual([])
  })
})
