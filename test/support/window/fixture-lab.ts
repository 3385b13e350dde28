import type { LabSummary, QuestionView, StepView } from '../../../renderer/engine/contract.js'

const question = (id: string, text: string, choices: readonly string[], explanation: string): QuestionView => ({
  id,
  text,
  kind: 'choice',
  choices,
  unit: '',
  answer: null,
  correct: null,
  explanation,
})

type FixtureStep = Pick<StepView, 'id' | 'title' | 'text' | 'minutes' | 'missing' | 'questions' | 'explanation'> & {
  readonly allHints: readonly string[]
  readonly shown: string
}

export const fixtureSteps: readonly FixtureStep[] = [
  {
    id: 'boot',
    title: 'Boot the guest and log in',
    text: 'Press **Boot web**. Its console opens below the stage: log in as `alice`. The counter in the console ticks once a second; watch whether it ever loses a tick.',
    minutes: 3,
    missing: 'The guest has not been booted: nothing has run on Host A yet.',
    questions: [],
    explanation: 'The guest is a real machine code program on an emulated RISC-V board.',
    allHints: ['The blue button at the top right says what comes next.', 'Press **Boot web**, then type `alice`.'],
    shown: 'web answered on its console',
  },
  {
    id: 'clear',
    title: 'Migrate it live, in clear',
    text: 'Leave the channel at **Clear text** and press **Migrate web to Host B**. Watch the rounds: each sends what the guest dirtied meanwhile.\n\n- The width of a cable is its load.\n- The colour says who could read it.',
    minutes: 4,
    missing:
      'No migration over channel `none` has completed. The last thing that happened: web was booted on Host A at 0.400 s.',
    questions: [],
    explanation:
      'Pre-copy sent **4,096 pages** in the first round while the guest kept running, and only stopped it for the last `118`.',
    allHints: ['The channel is the field with the orange square.', 'Press `m` while no terminal has the focus.'],
    shown: 'web runs on Host B; its RAM is equal octet by octet',
  },
  {
    id: 'sniff',
    title: 'Read the guest’s secrets off the wire',
    text: 'Everything Mallory holds came from frames at her mirror port. Open **Findings**, then answer.',
    minutes: 5,
    missing: 'The question below has no answer yet.',
    questions: [
      question(
        'where',
        'Why does Mallory know the password of `alice`?',
        [
          'She guessed it',
          'It was in a page of guest RAM that crossed the wire readable',
          'The guest sent it to the client',
        ],
        'Migration copies **all** of RAM, so whatever a program holds in memory crosses the wire too.',
      ),
    ],
    explanation: 'Live migration without encryption is a memory dump sent over the network.',
    allHints: ['Look at the packet number beside each find.'],
    shown: '7 of 7 planted secrets were found in captured frames',
  },
  {
    id: 'nacl',
    title: 'Seal it with NaCl',
    text: 'Choose **NaCl** and migrate back to Host A. Compare downtime and leakage.',
    minutes: 4,
    missing: 'No migration over channel `nacl` has completed.',
    questions: [],
    explanation: 'Each record is sealed by secretbox. The price is CPU time on both hosts.',
    allHints: ['The channel is the field with the coloured square.'],
    shown: 'a sealed migration completed and nothing was found',
  },
  {
    id: 'ssh',
    title: 'Send it through an SSH tunnel',
    text: 'Choose **SSH tunnel** and migrate once more.',
    minutes: 4,
    missing: 'No migration over channel `ssh` has completed.',
    questions: [],
    explanation: 'A tunnel is a real SSH transport.',
    allHints: [],
    shown: 'the tunnelled migration completed and nothing was found',
  },
  {
    id: 'compare',
    title: 'Compare the three runs',
    text: 'What did each channel cost?',
    minutes: 5,
    missing: 'The question below has no answer yet.',
    questions: [
      question(
        'cost',
        'Which run had the longest downtime?',
        ['Clear text', 'SSH tunnel', 'NaCl'],
        'It moves octets slowest.',
      ),
    ],
    explanation: '',
    allHints: [],
    shown: 'the answer',
  },
]

const coming = [
  'Hypervisors',
  'Anatomy of a migration',
  'Why clouds migrate',
  'Passive snooping',
  'Active manipulation',
  'Route hijacking',
  'Incoming migration control',
  'Outgoing migration control',
  'False resource advertising',
  'Replay and spoofing',
  'Fake-migration flood',
  'Migration module bugs',
  'VM poaching and VM jumping',
  'Isolated migration network',
  'NSE-H',
  'Encryption at the hypervisor',
  'SSH tunnel between proxies',
  'TLS and IPsec',
  'Who may migrate',
  'Secure VM-vTPM migration',
  'Improved vTPM protocol',
  'What encryption still tells',
  'Capstone: your architecture',
]

export const fixtureLabs: readonly LabSummary[] = [
  {
    id: '01-first-crossing',
    title: 'First crossing',
    goal: 'See what live migration costs, what it leaks in clear, and what two ways of sealing it change.',
    minutes: 25,
    level: 'beginner',
    stepCount: 6,
    stepsDone: 2,
    available: true,
  },
  {
    id: 'sandbox',
    title: 'Sandbox',
    goal: 'Every control, no steps: boot, migrate, record, and try what you like.',
    minutes: 0,
    level: 'free experiment',
    stepCount: 0,
    stepsDone: 0,
    available: true,
  },
  ...coming.map((title, index) => ({
    id: `${String(index + 2).padStart(2, '0')}-coming`,
    title,
    goal: '',
    minutes: 30,
    level: '',
    stepCount: 5,
    stepsDone: 0,
    available: false,
  })),
]
