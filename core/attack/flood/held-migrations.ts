/**
 * Migrations that are begun and never end: each says how big its guest is, for which the host keeps memory, and then nothing; or, slowly,
 * one word after the other, so that the connection is never idle.
 */
import type { ByteStream, StreamOwner } from '../../base/byte-stream.js'
import { latin1Octets, latin1Text } from '../../base/octets.js'
import { PAGE_OCTETS, type Nanos } from '../../base/units.js'
import {
  encodeOpening,
  GUEST_PAGES_MAX,
  PAGE_TYPE_NONE,
  RELOCATION_READY,
  RELOCATION_REQUEST,
  words32le,
} from '../../hypervisor/wire/restore-stream.js'
import { SealedClient } from '../module/sealed-client.js'
import { ipv4Text, type Ipv4Address } from '../../net/wire/addresses.js'
import type { Attack, Reach, Sleeper } from '../reach.js'

const READ_OCTETS = 4096
/** Of a batch as large as there may be: pages that have no contents. */
const BATCH = words32le(GUEST_PAGES_MAX)
const WORD = words32le(PAGE_TYPE_NONE * 2 ** 28)

export interface HeldMigrationsOptions {
  readonly victim: Ipv4Address
  readonly port: number
  readonly count: number
  /** Between two words of each; null: none come. */
  readonly dripNs: Nanos | null
  /** Over TLS, with a certificate of the attacker's own for that name; null without. */
  readonly sealedAs: string | null
}

export class HeldMigrations implements Attack, Sleeper {
  private readonly held: HeldMigration[] = []
  private isOn = false
  private wasBegun = false

  constructor(
    private readonly reach: Reach,
    private readonly options: HeldMigrationsOptions,
  ) {}

  start(): void {
    const { reach, options } = this
    const { count, dripNs, victim, port } = options
    const pace = dripNs === null ? 'nothing after the opening' : `a word every ${dripNs / 1e9} s`
    const claim = `${count} guests of ${(GUEST_PAGES_MAX * PAGE_OCTETS) / 1024 ** 2} MiB, ${pace}`
    reach.tell('begin', `${ipv4Text(victim)}, TCP port ${port}: ${claim}`)
    this.isOn = true
    for (let number = 1; number <= count; number++) this.held.push(new HeldMigration(this, number))
    for (const migration of this.held) migration.start(reach, options)
    if (dripNs !== null) reach.wakeAfter(dripNs, this)
  }

  stop(): void {
    this.isOn = false
    for (const migration of this.held) migration.stop()
  }

  takesFrame(): boolean {
    return false
  }

  woken(): void {
    const { dripNs } = this.options
    if (!this.isOn || dripNs === null) return
    for (const migration of this.held) migration.drip()
    this.reach.wakeAfter(dripNs, this)
  }

  /** One of them has begun, or has ended. */
  changed(): void {
    const held = this.held.filter(({ state }) => state === 'held').length
    const isBegun = this.held.every(({ state }) => state !== 'asking')
    if (isBegun && !this.wasBegun) this.reach.tell('hold', `${held} are held, ${this.held.length - held} were refused`)
    else if (isBegun && held === 0) this.reach.tell('hold', 'the last one was ended')
    this.wasBegun = isBegun
  }
}

class HeldMigration implements StreamOwner {
  state: 'asking' | 'held' | 'over' = 'asking'
  private stream: ByteStream | null = null
  private heard = ''
  private hasBatch = false

  constructor(
    private readonly owner: HeldMigrations,
    private readonly number: number,
  ) {}

  start({ station, random }: Reach, { victim, port, sealedAs }: HeldMigrationsOptions): void {
    const connection = station.connect(victim, port)
    const names = { own: sealedAs ?? '', server: ipv4Text(victim) }
    this.stream = sealedAs === null ? connection : new SealedClient(connection, random, names)
    this.stream.owner = this
  }

  stop(): void {
    this.state = 'over'
    this.stream?.abort()
  }

  drip(): void {
    if (this.state !== 'held' || this.stream === null || this.stream.writableOctets() < BATCH.length) return
    this.stream.write(this.hasBatch ? WORD : BATCH)
    this.hasBatch = true
  }

  streamOpened(stream: ByteStream): void {
    stream.write(latin1Octets(RELOCATION_REQUEST))
  }

  streamReadable(stream: ByteStream): void {
    while (stream.readableOctets() > 0)
      this.heard = (this.heard + latin1Text(stream.read(READ_OCTETS))).slice(-RELOCATION_READY.length)
    if (this.state !== 'asking' || this.heard !== RELOCATION_READY) return
    stream.write(encodeOpening(latin1Octets(`held-${this.number}`), GUEST_PAGES_MAX))
    this.change('held')
  }

  streamWritable(): void {}

  streamEnded(stream: ByteStream): void {
    stream.end()
    this.change('over')
  }

  streamFailed(): void {
    this.change('over')
  }

  private change(state: 'held' | 'over'): void {
    if (this.state === 'over') return
    this.state = state
    this.owner.changed()
  }
}
