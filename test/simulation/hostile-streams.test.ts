/**
 * Real streams, changed by somebody hostile: the destination and the source's reader of the return path refuse them with
 * protocol, offset and reason, or take them; they never crash, never hang, and never let a guest run that must not.
 */
import { afterAll, describe, expect, it } from 'vitest'
import { concatOctets } from '../../core/base/octets.js'
import { PAGE_OCTETS } from '../../core/base/units.js'
import type { Failure } from '../../core/base/errors.js'
import { HostCores } from '../../core/kernel/cores.js'
import { Kernel } from '../../core/kernel/kernel.js'
import { RandomStream } from '../../core/kernel/random.js'
import { HART_HZ } from '../../core/machine/machine.js'
import { VirtualMachine } from '../../core/hypervisor/virtual-machine.js'
import { MigrationDestination } from '../../core/migration/destination.js'
import type { MigratableVm } from '../../core/migration/guest-memory.js'
import { DEFAULT_MIGRATION_OPTIONS, type MigrationOwner } from '../../core/migration/migration.js'
import { MigrationSource } from '../../core/migration/source.js'
import { bitmapOctets } from '../../core/migration/wire/postcopy.js'
import { encodeReturnPath } from '../../core/migration/wire/return-path.js'
import { FedStream } from '../support/fed-stream.js'
import { GUEST_MAC } from '../support/guest-machine.js'
import { mutate, type Sample } from '../support/mutate-octets.js'
import { withSeed } from '../support/seeds.js'
import {
  blocksOf,
  capturedReturnPath,
  capturedSamples,
  ownSamples,
  SAMPLE_RAM_OCTETS,
} from '../support/stream-samples.js'
import { ToyMemory, ToyVm } from '../support/toy-vm.js'
import { bareMachine } from '../support/bare-machine.js'

/** HOSTILE_RUNS=100000 is the full count; SEED replays what a failure prints. */
const { HOSTILE_RUNS = '400', SEED } = process.env
const RUNS_A_TEST = 200
const runs = SEED === undefined ? Array.from({ length: Number(HOSTILE_RUNS) }, (_, index) => `h${index + 1}`) : [SEED]
const batches = Array.from({ length: Math.ceil(runs.length / RUNS_A_TEST) }, (_, index) =>
  runs.slice(index * RUNS_A_TEST, (index + 1) * RUNS_A_TEST),
)
/** A stream of a megabyte in pieces of a segment takes some thousands of events. */
const EVENTS_MAX = 100_000

const labels = { id: 1, source: 'a', destination: 'b', channel: 'none', linkBps: 1e9 }
const own = ownSamples()
const captured = capturedSamples()
const samples = [...own, ...captured]
/** Memory of the captured machines is reused: what a run before left there does not matter. */
const memories = new Map<string, ToyMemory>()

class Owner implements MigrationOwner {
  guestRuns = false
  sourceStatusChanged(): void {}
  destinationStatusChanged(): void {}
  destinationLoaded(): null {
    return null
  }
  destinationMayRun(): null {
    this.guestRuns = true
    return null
  }
  guestHasLeft(): boolean {
    return this.guestRuns
  }
}

function machineFor(sample: Sample, kernel: Kernel): MigratableVm {
  if (own.includes(sample)) {
    const options = { name: 'vm', mac: GUEST_MAC, ramOctets: SAMPLE_RAM_OCTETS, hartHz: HART_HZ }
    const owner = { consoleWrote: () => undefined, vmStateChanged: () => undefined }
    const vm = new VirtualMachine(kernel, options, new HostCores(kernel, 'b', 1), bareMachine, owner)
    vm.awaitIncoming()
    return vm
  }
  const memory = blocksOf(sample.octets).map(({ name, octets }) => {
    const key = `${sample.name} ${name}`
    const known = memories.get(key) ?? new ToyMemory(octets / PAGE_OCTETS)
    memories.set(key, known)
    return { name, memory: known }
  })
  return { name: 'vm', machineType: 'virt', memory, devices: [], pause: () => undefined, resume: () => undefined }
}

function runEvents(kernel: Kernel): void {
  for (let events = 0; kernel.step(); events++) expect(events, 'events without end').toBeLessThan(EVENTS_MAX)
}

/** How it ended, and that it did. */
function expectReason(cause: Failure | null): void {
  expect(cause).not.toBeNull()
  if (cause?.kind === 'wire') expect(cause.message).toMatch(/^[\w ]+.*: at octet \d+: ./)
  else expect(cause?.message).not.toBe('')
}

const outcomes = new Map<string, number>()
function count(outcome: string): void {
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
}

function attackDestination(seed: string): void {
  const random = new RandomStream(`hostile ${seed}`)
  const kernel = new Kernel(seed)
  const sample = random.pick(samples)
  const owner = new Owner()
  const stream = new FedStream(kernel, random.pick([503, 1448, 65_536, 2 ** 21]))
  const vm = machineFor(sample, kernel)
  const destination = new MigrationDestination(kernel, {
    vm,
    stream,
    cores: new HostCores(kernel, 'b', 2),
    labels,
    owner,
  })
  destination.start()
  stream.feed(mutate(sample, random.pick(samples), random))
  runEvents(kernel)
  const { status, cause } = destination
  count(`destination ${status}${cause === null ? '' : ` ${cause.kind}`}`)
  expect(status).toBe(cause === null ? 'completed' : owner.guestRuns ? 'postcopy-paused' : 'failed')
  if (cause === null) expect(vm.userfault?.missingPages ?? 0).toBe(0)
  else expectReason(cause)
}

/** A guest of 64 pages whose migration is post-copy, and what a destination would answer. */
function attackSource(seed: string): void {
  const random = new RandomStream(`hostile return path ${seed}`)
  const kernel = new Kernel(seed)
  const owner = new Owner()
  const vm = new ToyVm(kernel, { filledPages: 40 })
  const answers = random.below(2) === 0 ? ownAnswers : capturedAnswers
  const stream = new FedStream(kernel, random.pick([1, 7, 64, 4096]))
  const source = new MigrationSource(kernel, {
    vm,
    stream,
    cores: new HostCores(kernel, 'a', 2),
    options: { ...DEFAULT_MIGRATION_OPTIONS, strategy: 'postcopy', maxPostcopyBandwidth: random.pick([0, 65_536]) },
    labels,
    owner,
  })
  vm.resume()
  source.start()
  owner.guestRuns = random.below(2) === 0
  stream.feed(mutate(answers, random.pick([ownAnswers, capturedAnswers]), random))
  runUntilOver(kernel, source)
  if (source.status === 'postcopy-paused') {
    expectReason(source.cause)
    const again = new FedStream(kernel, random.pick([1, 64, 4096]))
    source.recover(again)
    again.feed(mutate(ownRecovery, ownAnswers, random))
    runUntilOver(kernel, source)
  }
  const { status, cause } = source
  count(`source ${status}${cause === null ? '' : ` ${cause.kind}`}`)
  expect(status).toMatch(owner.guestRuns ? /^(postcopy-paused|completed)$/ : /^(failed|completed)$/)
  if (status !== 'completed') expectReason(cause)
  expect(vm.isRunning).toBe(status === 'failed')
}

function runUntilOver(kernel: Kernel, source: MigrationSource): void {
  for (let events = 0; !/^(postcopy-paused|failed|completed)$/.test(source.status); events++) {
    expect(kernel.step(), `nothing follows ${source.status}`).toBe(true)
    expect(events, 'events without end').toBeLessThan(EVENTS_MAX)
  }
}

function sampleOf(name: string, messages: readonly Uint8Array[]): Sample {
  let at = 0
  const marks = messages.map((message) => (at += message.length) - message.length)
  return { name, octets: concatOctets(messages), marks }
}

const pong = (value: number): Uint8Array => encodeReturnPath({ kind: 'PONG', value })
const ask = (block: string | null, page: number): Uint8Array =>
  encodeReturnPath({ kind: 'REQ_PAGES', block, offset: page * PAGE_OCTETS, octets: PAGE_OCTETS })
const received = (block: string, pages: number): Uint8Array =>
  encodeReturnPath({ kind: 'RECV_BITMAP', block, bitmap: new Uint8Array(bitmapOctets(pages)).fill(0x55) })

const ownAnswers = sampleOf('own return path', [
  ...[1, 2, 4, 3].map(pong),
  ...[ask('toy.ram', 5), ask(null, 6), ask('toy.rom', 1), ask('toy.ram', 63)],
  encodeReturnPath({ kind: 'SHUT', value: 0 }),
])
const ownRecovery = sampleOf('own recovery', [
  ...[received('toy.ram', 64), received('toy.rom', 3), encodeReturnPath({ kind: 'RESUME_ACK', value: 1 })],
  ...[ask('toy.ram', 5), encodeReturnPath({ kind: 'SHUT', value: 0 })],
])
const capturedAnswers: Sample = {
  name: 'captured return path',
  octets: capturedReturnPath(),
  marks: [0, 8, 16, 24, 32],
}

describe('a hostile stream', () => {
  it.each(samples.map((sample) => [sample.name, sample] as const))('%s is taken as it is', (name, sample) => {
    const kernel = new Kernel(name)
    const owner = new Owner()
    const stream = new FedStream(kernel, 1448)
    const vm = machineFor(sample, kernel)
    const destination = new MigrationDestination(kernel, {
      vm,
      stream,
      cores: new HostCores(kernel, 'b', 2),
      labels,
      owner,
    })
    destination.start()
    stream.feed(sample.octets)
    runEvents(kernel)
    // Of QEMU's, the part before the devices, or before it was cut off.
    if (own.includes(sample)) expect(destination.cause).toBeNull()
    else expect(destination.cause?.message).toMatch(/ended before|not known here|before its memory/)
  })

  it.each(batches.map((batch) => ({ batch, from: batch[0], to: batch.at(-1) })))(
    'is refused with a reason, or taken: $from to $to',
    ({ batch }) => {
      for (const seed of batch) withSeed(seed, () => attackDestination(seed))
    },
  )

  it.each(batches.map((batch) => ({ batch, from: batch[0], to: batch.at(-1) })))(
    'on the return path is refused with a reason, or taken: $from to $to',
    ({ batch }) => {
      for (const seed of batch) withSeed(seed, () => attackSource(seed))
    },
  )

  afterAll(() => {
    if (process.env['HOSTILE_RUNS'] !== undefined)
      process.stdout.write(`${JSON.stringify(Object.fromEntries([...outcomes].sort()), null, 2)}\n`)
  })
})
