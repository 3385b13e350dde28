/** Channels: sealing and opening beside the bare primitive and beside Node's own, and a guest that crosses each. */
import { createCipheriv } from 'node:crypto'
import { gcm } from '@noble/ciphers/aes.js'
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import nacl from 'tweetnacl'
import { channelNames } from '../../core/secure/channels.js'
import { sealedMemory } from '../../core/secure/sealed-memory.js'
import { openProtocolPair, takeEffects, takeMessages } from '../support/channel-protocols.js'
import { add, median, MIB, printMeasures, ROUNDS, time } from './measures.js'
import { bigScenario, booted, migrate } from './moving-guest.js'

const RECORD_OCTETS = 16_384
const RECORDS = 512
/** As many as a window of the SSH channel holds, with room to spare. */
const BATCH_RECORDS = 32
const record = Uint8Array.from({ length: RECORD_OCTETS }, (_, index) => (index * 31 + (index >>> 8)) & 255)
const key = new Uint8Array(32).fill(1)
const nonce = new Uint8Array(12).fill(2)
const nothing = (): void => undefined

type NodeCipher = 'chacha20-poly1305' | 'aes-256-gcm' | 'aes-128-gcm'

function sealWithNode(cipher: NodeCipher): void {
  const whole = cipher === 'aes-128-gcm' ? key.subarray(0, 16) : key
  const sealing = createCipheriv(cipher as 'aes-256-gcm', whole, nonce, { authTagLength: 16 })
  sealing.update(record)
  sealing.final()
}

/** MiB a second, `work` being done to as many records. */
function rate(work: () => void): number {
  const milliseconds = time(nothing, () => {
    for (let n = 0; n < RECORDS; n++) work()
  })
  return (RECORD_OCTETS * RECORDS) / MIB / (milliseconds / 1000)
}

/** MiB a second of sealing and of opening records of one direction; the median of many batches. */
function bothWays(name: Measured): { readonly sealing: number; readonly opening: number } {
  const [client, server] = openProtocolPair(name)
  const sealed: Uint8Array[] = []
  const seal = (): void => {
    for (let n = 0; n < BATCH_RECORDS; n++) {
      client.send(record)
      sealed.push(...takeMessages(client))
    }
  }
  const open = (): void => {
    for (const octets of sealed.splice(0)) server.receive(octets)
  }
  const giveRoomBack = (): void => {
    const { payload, messages } = takeEffects(server)
    for (const { length } of payload) server.consumed(length)
    for (const { octets } of [...messages, ...takeEffects(server).messages]) client.receive(octets)
    takeEffects(client)
  }
  const sealMs: number[] = []
  const openMs: number[] = []
  for (let n = 0; n < RECORDS / BATCH_RECORDS; n++) {
    sealMs.push(time(nothing, seal, 1))
    openMs.push(time(nothing, open, 1))
    giveRoomBack()
  }
  const rateOf = (milliseconds: number): number => (RECORD_OCTETS * BATCH_RECORDS) / MIB / (milliseconds / 1000)
  return { sealing: rateOf(median(sealMs)), opening: rateOf(median(openMs)) }
}

const chacha = (): void => void chacha20poly1305(key, nonce).encrypt(record)
const gcm256 = (): void => void gcm(key, nonce).encrypt(record)

/** The cipher each channel seals its records with, alone, and the same as Node has it. */
const primitives = {
  nacl: { library: () => void nacl.secretbox(record, new Uint8Array(24), key), node: null },
  ssh: { library: chacha, node: 'chacha20-poly1305' },
  'ssh-aes-gcm': { library: gcm256, node: 'aes-256-gcm' },
  tls: { library: () => void gcm(key.subarray(0, 16), nonce).encrypt(record), node: 'aes-128-gcm' },
  'aes-256-gcm': { library: gcm256, node: 'aes-256-gcm' },
  'chacha20-poly1305': { library: chacha, node: 'chacha20-poly1305' },
} as const
type Measured = keyof typeof primitives

for (const name of Object.keys(primitives) as Measured[]) {
  const { library, node } = primitives[name]
  const bare = rate(library)
  const { sealing, opening } = bothWays(name)
  const { octetsMax } = sealedMemory
  sealedMemory.octetsMax = 0
  const computed = bothWays(name).opening
  sealedMemory.octetsMax = octetsMax
  add(`${name}: the primitive alone`, bare, 'MiB/s')
  if (node !== null)
    add(
      '  the same in Node',
      rate(() => sealWithNode(node)),
      'MiB/s',
    )
  add('  sealing, of the primitive', sealing / bare, '', 'over 0.8')
  add('  opening, of the primitive', opening / bare, '', 'over 0.8')
  add('  opening without the memory of what was sealed', computed / bare, '', 'over 0.8')
}

const ready = booted(bigScenario)
for (const channel of channelNames)
  if (channel !== 'none')
    add(
      `64 MiB over ${channel} at 10 Gbit/s, capture and listener on`,
      time(
        () => {
          const session = ready.fork()
          session.do({ kind: 'configure-migration', settings: { channel } })
          return session
        },
        migrate,
        Math.min(ROUNDS, 3),
      ),
      'ms',
      'under 2000 for the modern ones',
    )

printMeasures()
