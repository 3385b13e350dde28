import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { milliseconds, seconds } from '../../../core/base/units.js'
import { bootedSession, smallSession } from '../../support/lab-session.js'
import { MonitorClient, type QmpMessage } from '../../support/monitor-client.js'
import { QemuProcess, requireQemu } from './qemu-process.js'

const MACHINE = ['-M', 'virt', '-bios', 'none', '-m', '16M', '-S', '-name', 'web']

/** Lines of a client that must be answered alike, in this order. */
const unnegotiated = [
  '{"execute": "query-status", "id": 4}',
  '{"execute": "qmp_capabilities", "arguments": {"enable": "oob"}}',
  '{"execute": "qmp_capabilities", "arguments": {"enabled": []}}',
  '{"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}, "id": {"deep": [1, null, "x", 2.5]}}',
  '{"execute": "qmp_capabilities"}',
]

const framing = [
  '[1]',
  '17',
  '"text"',
  '{"execute": 1}',
  '{"execut": "x"}',
  '{"arguments": {}}',
  '{"execute": "query-status", "arguments": []}',
  '{"execute": "query-status", "more": 1}',
  '{"execute": "nothing", "id": "q"}',
  '{"execute": "query-status", "arguments": {"x": 1}}',
  '{"execute":\n\n"query-name"\n,\n"id": 18446744073709551615}',
  "{'execute': 'query-name'}",
  '{"execute": "query-name" "id": 1}',
  '{"execute": "query-name",}',
  '{"execute" "query-name"}',
  '{"id": 1, "id": 2}',
  '{bad}',
  '{"execute": nul}',
  '{"execute": "\\u0071uery-name"}',
  '{"execute": "\\x"}',
  '{"execute": "query-name"]',
]

const execute = (command: string, given?: QmpMessage): string =>
  JSON.stringify(given === undefined ? { execute: command } : { execute: command, arguments: given })
const set = (parameters: QmpMessage): string => execute('migrate-set-parameters', parameters)
const capability = (name: unknown, state: unknown): QmpMessage => ({ capability: name, state })
const capabilities = (...list: readonly unknown[]): string =>
  execute('migrate-set-capabilities', { capabilities: list })

const commands = [
  execute('query-migrate'),
  execute('query-name'),
  execute('migrate'),
  execute('migrate', { uri: 3 }),
  execute('migrate', { uri: 'smtp:x' }),
  execute('migrate', { uri: 'smtp:x', blk: true }),
  execute('migrate', { uri: 'smtp:x', blk: 1 }),
  execute('migrate', { uri: 'tcp:x:1', resume: true }),
  execute('migrate', { uri: 'tcp:x:1', extra: true }),
  execute('migrate-incoming', { uri: 'tcp:0:49152' }),
  execute('migrate_cancel'),
  execute('migrate-continue', { state: 'pre-switchover' }),
  execute('migrate-continue', { state: 'nix' }),
  execute('migrate-continue'),
  execute('migrate-pause'),
  execute('migrate-recover', { uri: 'tcp:0:1' }),
  execute('migrate-start-postcopy'),
  ...[0, 256, -1, 'x', 2.5, true].map((value) => set({ 'cpu-throttle-initial': value })),
  ...[0, 100].map((value) => set({ 'cpu-throttle-increment': value })),
  ...[0, 101].map((value) => set({ 'throttle-trigger-threshold': value })),
  ...['a', 2.5].map((value) => set({ 'max-bandwidth': value })),
  ...[0, 2048, 5000].map((value) => set({ 'xbzrle-cache-size': value })),
  set({ 'downtime-limit': 2_000_001 }),
  set({ 'multifd-channels': 0 }),
  set({ 'multifd-compression': 'lzo' }),
  set({ 'max-cpu-throttle': 5 }),
  set({ nonsense: 5 }),
  set({ 'downtime-limit': 77, 'max-bandwidth': 1_000_000, 'cpu-throttle-initial': 30, 'multifd-channels': 4 }),
  execute('query-migrate-parameters'),
  capabilities(capability('multifd', true), capability('compress', true)),
  capabilities(capability('foo', true)),
  capabilities(capability('events', 'yes')),
  capabilities({ capability: 'events' }),
  capabilities({ capability: 'events', state: true, more: 1 }),
  capabilities(3),
  execute('migrate-set-capabilities'),
  capabilities(capability('xbzrle', true), capability('auto-converge', true), capability('events', true)),
  execute('query-migrate-capabilities'),
  capabilities(capability('xbzrle', false)),
  capabilities(capability('block', true), capability('zero-blocks', true)),
  execute('query-migrate-capabilities'),
  ...[{ blk: true }, { inc: true }, { blk: true, resume: true }].map((flags) =>
    execute('migrate', { uri: 'smtp:x', ...flags }),
  ),
  ...['-d -b tcp:x:1', '-b -d tcp:x:1', '-x tcp:x:1', '-b', '-d -b -i -r'].map((words) =>
    execute('human-monitor-command', { 'command-line': `migrate ${words}` }),
  ),
  capabilities(capability('block', false), capability('zero-blocks', false)),
  ...[true, false].flatMap((state) => [
    capabilities(capability('postcopy-ram', state), capability('pause-before-switchover', state)),
    execute('query-migrate-capabilities'),
  ]),
]

const typed = [
  ...['info migrate', 'info migrate_parameters', 'info migrate_capabilities', 'info name'],
  ...['migrate_set_parameter foo 1', 'migrate_set_parameter downtime-limit x', 'migrate_set_parameter'],
  ...['x', '0x20', '1M', '300', '-1', '1.5M', '10', '3G', '20E'].flatMap((value) =>
    ['downtime-limit', 'max-bandwidth', 'cpu-throttle-initial', 'cpu-throttle-increment', 'xbzrle-cache-size'].map(
      (name) => `migrate_set_parameter ${name} ${value}`,
    ),
  ),
  ...['migrate_set_parameter cpu-throttle-tailslow maybe', 'migrate_set_parameter multifd-compression lzo'],
  ...['migrate_set_parameter cpu-throttle-increment 0', 'migrate_set_parameter xbzrle-cache-size 1M'],
  ...['migrate_set_capability xbzrle maybe', 'migrate_set_capability foo on', 'migrate_set_capability xbzrle on'],
  ...['info migrate_parameters', 'info migrate_capabilities'],
  ...['migrate', 'migrate smtp:x', 'migrate_cancel x', 'migrate_cancel', 'migrate_start_postcopy', 'migrate_pause'],
  ...['migrate_continue nix', 'migrate_recover tcp:0:1', 'migrate_incoming tcp:0:1'],
  ...['blah', 'info blah', 'info migrate x', 'help migrate_cancel', 'help migrate_set_parameter', 'help migrate', '  '],
]
const human = typed.map((line) => execute('human-monitor-command', { 'command-line': line }))

/** Ours confirms every migration, so that capability is on; QEMU's is off unless asked for. */
function alike(answer: unknown): unknown {
  const text = JSON.stringify(answer)
    .replace('"state":false,"capability":"return-path"', '"state":true,"capability":"return-path"')
    .replace('return-path: off', 'return-path: on')
  return JSON.parse(text)
}

const namesOf = (value: unknown): readonly string[] => Object.keys(value as QmpMessage).sort()
/** The words before the colon, which stand for the lines. */
const labelsOf = (text: unknown): readonly string[] =>
  String(text)
    .split('\r\n')
    .map((line) => line.replace(/:.*/, ''))
const unitsOf = (text: unknown): readonly string[] =>
  String(text)
    .replace(/\d+(\.\d+)?/g, 'N')
    .split('\r\n')

describe('the monitors, beside those of QEMU', () => {
  let qemu: QemuProcess
  let greeting: QmpMessage
  beforeAll(async () => {
    requireQemu()
    const opened = await QemuProcess.greeted(MACHINE)
    qemu = opened.qemu
    greeting = opened.greeting
  })
  afterAll(() => qemu.stop())

  it('answers commands, mistakes and lines for people with the same values, classes and words', async () => {
    const session = bootedSession()
    const client = new MonitorClient(session)
    const [ours] = client.take().split('\r\n')
    expect(alike(JSON.parse(ours ?? ''))).toMatchObject({ QMP: { capabilities: ['oob'] } })
    expect(namesOf((greeting['QMP'] as QmpMessage)['version'])).toEqual(['package', 'qemu'])
    // QEMU's default for the downtime limit, which the small session does not have.
    session.do({ kind: 'configure-migration', settings: { downtimeLimitNs: milliseconds(300) } })
    for (const line of [...unnegotiated, ...framing, ...commands, ...human]) {
      const theirs = await qemu.ask(line)
      const answers = client.ask(`${line}\n`).filter((answer) => !('event' in answer))
      expect({ line, answers }).toEqual({ line, answers: [alike(theirs)] })
    }
  })

  it('has no command that QEMU has not, and shows versions as QEMU does', async () => {
    const client = MonitorClient.negotiated(smallSession())
    const theirs = new Set(((await qemu.ask(execute('query-commands')))['return'] as { name: string }[]).map(nameOf))
    const ours = (client.execute('query-commands') as { name: string }[]).map(nameOf)
    expect(ours.filter((name) => !theirs.has(name))).toEqual([])
    expect(ours.length).toBeGreaterThan(20)
    expect(namesOf((await qemu.ask(execute('query-version')))['return'])).toEqual(
      namesOf(client.execute('query-version')),
    )
  })
})

const nameOf = ({ name }: { readonly name: string }): string => name

describe('a migration, as its monitor tells it', () => {
  const FEATURES = capabilities(...['xbzrle', 'events'].map((name) => capability(name, true)))

  it('has the names, lines and units of QEMU, while it runs and when it is over', async () => {
    const qemu = await QemuProcess.start(MACHINE)
    try {
      const session = bootedSession({ bandwidthBps: 1e7 })
      const [client, other] = [MonitorClient.negotiated(session), MonitorClient.negotiated(session, 'hostB')]
      other.execute('migrate-incoming', { uri: 'tcp:0:49152' })
      for (const line of [FEATURES, set({ 'max-bandwidth': 100_000 })])
        expect(client.ask(line)).toEqual([await qemu.ask(line)])
      await qemu.ask(execute('cont'))
      const slow = execute('migrate', { uri: 'exec:cat > /dev/null' })
      expect(await qemu.ask(slow)).toEqual({ return: {} })
      expect(client.execute('migrate', { uri: 'tcp:10.0.0.2:49152' })).toEqual({})
      const states = async (): Promise<void> => {
        const theirs = (await qemu.ask(execute('query-migrate')))['return'] as QmpMessage
        const ours = client.execute('query-migrate') as QmpMessage
        expect(ours['status']).toBe(theirs['status'])
        expect(namesOf(ours)).toEqual(namesOf(theirs))
        for (const part of ['ram', 'xbzrle-cache']) expect(namesOf(ours[part])).toEqual(namesOf(theirs[part]))
        const info = execute('human-monitor-command', { 'command-line': 'info migrate' })
        const theirText = (await qemu.ask(info))['return']
        const [ourAnswer] = client.ask(info).filter((answer) => 'return' in answer)
        // Lines that are only there when something was counted come and go with the guest.
        const always = (labels: readonly string[]): readonly string[] =>
          labels.filter((label) => !/^(dirty pages rate|precopy ram|downtime ram)/.test(label))
        expect(always(labelsOf(ourAnswer?.['return']))).toEqual(always(labelsOf(theirText)))
        expect(always(unitsOf(ourAnswer?.['return']))).toEqual(always(unitsOf(theirText)))
      }
      await qemu.until('query-migrate', ({ status }) => status === 'active')
      session.runFor(milliseconds(20))
      await states()
      for (const line of [set({ 'max-bandwidth': 0 })]) expect(client.ask(line)).toEqual([await qemu.ask(line)])
      await qemu.until('query-migrate', ({ status }) => status === 'completed')
      session.runFor(seconds(20))
      await states()
    } finally {
      qemu.stop()
    }
  })
})
