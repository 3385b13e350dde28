// Who may import whom (docs/architecture.md). Run: npm run deps
const layers = {
  base: [],
  kernel: ['base'],
  cpu: ['base'],
  machine: ['base', 'kernel', 'cpu'],
  net: ['base', 'kernel'],
  // Formats of packets it seals, and nothing else of the network.
  secure: ['base', 'kernel', '[^/]+/wire'],
  metrics: ['base', 'kernel'],
  migration: ['base', 'kernel', 'machine'],
  hypervisor: ['base', 'kernel', 'machine', 'migration', '[^/]+/wire'],
  trust: ['base', 'kernel', 'secure', '[^/]+/wire'],
  defence: ['base', 'kernel', 'secure', '[^/]+/wire'],
  // Public algorithms and octets only: no kernel, no trace, no host, no machine.
  attack: ['base', 'secure', '[^/]+/wire'],
  // What was captured, and nothing else.
  capture: ['base', '[^/]+/wire'],
  fleet: ['base', 'kernel', 'migration', 'metrics'],
  // Speaks to hosts over the network, and knows nothing of them but that.
  orchestrator: ['base', 'kernel', 'net', 'defence', '[^/]+/wire'],
  // The engine held against what was measured, and against what formulas say.
  reproduction: ['base', 'metrics', 'migration'],
  session: [
    'base',
    'kernel',
    'machine',
    'net',
    'hypervisor',
    'migration',
    'secure',
    'trust',
    'defence',
    'attack',
    'capture',
    'fleet',
    'orchestrator',
    'metrics',
  ],
  lab: ['base', 'kernel', 'metrics', 'session'],
  report: ['base', 'metrics', 'session', 'lab'],
}

const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to })
const atRunTime = { dependencyTypesNot: ['type-only'] }

module.exports = {
  forbidden: [
    rule(
      'no-cycles',
      'A cycle hides a missing layer.',
      {},
      { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    ),
    rule(
      'core-is-pure',
      'No Node, Electron, DOM or npm code in core, but for audited primitives and pure codecs.',
      { path: '^core/' },
      { pathNot: '^core/|^node_modules/(@noble|tweetnacl|micro-rsa-dsa-dh|node-forge|fflate|zod)/' },
    ),
    ...Object.entries(layers).map(([layer, allowed]) =>
      rule(
        `core-${layer}`,
        `core/${layer} may import: ${allowed.join(', ') || 'nothing'}.`,
        { path: `^core/${layer}/` },
        { path: '^core/', pathNot: `^core/(${[layer, ...allowed].join('|')})/` },
      ),
    ),
    rule(
      'labs-are-data',
      'Labs hold no code that runs the engine.',
      { path: '^labs/' },
      { path: '^(core|renderer|electron|cli)/', ...atRunTime },
    ),
    rule(
      'one-door-to-core',
      'Only renderer/engine runs the engine in the window.',
      { path: '^renderer/', pathNot: '^renderer/engine/' },
      { path: '^(core|labs)/', ...atRunTime },
    ),
    rule(
      'renderer-ipc-only',
      'The contract, not the main process.',
      { path: '^renderer/' },
      { path: '^electron/(?!ipc/)' },
    ),
    rule(
      'main-is-a-shell',
      'Windows, menus, files. No simulation.',
      { path: '^electron/' },
      { path: '^(core|labs|renderer|cli)/', ...atRunTime },
    ),
    rule('nothing-imports-test', '', { pathNot: '^test/' }, { path: '^test/' }),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
  },
}
