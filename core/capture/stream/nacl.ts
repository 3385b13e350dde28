/** This lab's NaCl channel (core/secure/nacl-channel.ts): two hellos in clear, then records whose lengths are sealed too. */
import { latin1Text } from '../../base/octets.js'
import { need, type Dissection } from '../dissection.js'
import { field, protocol } from '../field.js'
import type { CountedUnit, StreamProtocol } from './stream-protocol.js'
import type { StreamUnit } from './unit-list.js'
import { UNIT, UnitWalker } from './unit-walker.js'

const CLIENT_HELLO = 1
const SERVER_HELLO = 2
const MAGIC_OCTETS = 8
const KEY_OCTETS = 32
const PROOF_OCTETS = 16

export const naclFields = {
  nacl: protocol('nacl', 'NaCl Channel'),
  magic: field('nacl.magic', 'Magic', 'text'),
  ephemeral: field('nacl.ephemeral', 'Ephemeral public key (x25519)', 'octets'),
  proof: field('nacl.proof', 'Proof of identity', 'octets'),
  sealed: field('nacl.sealed', 'Sealed records', 'octets'),
}

class NaclWalker extends UnitWalker {
  private isOpen = false

  protected measure(octets: Uint8Array, start: number, end: number): number {
    if (this.isOpen) {
      this.is(UNIT.sealed)
      return Infinity
    }
    this.needed = MAGIC_OCTETS
    if (end - start < MAGIC_OCTETS) return 0
    this.isOpen = true
    const isClient = latin1Text(octets.subarray(start, start + 7)) === 'MIDNACL'
    this.is(isClient ? CLIENT_HELLO : SERVER_HELLO)
    return (isClient ? MAGIC_OCTETS : 0) + KEY_OCTETS + PROOF_OCTETS
  }
}

export const naclProtocol: StreamProtocol = Object.freeze({
  columnName: 'NaCl',
  layer: naclFields.nacl,
  makeWalker: (): UnitWalker => new NaclWalker(),
  dissectUnit({ octets, sink }: Dissection, _walker: UnitWalker, unit: StreamUnit, start: number, end: number): void {
    const title = sink.wantsText ? `NaCl Channel, ${titleOf(unit.type)}` : ''
    sink.open(naclFields.nacl, start, end - start, null, title)
    if (unit.type === UNIT.sealed) sink.field(naclFields.sealed, start, end - start, null)
    else {
      const keyAt = start + (unit.type === CLIENT_HELLO ? MAGIC_OCTETS : 0)
      need('nacl', keyAt, KEY_OCTETS + PROOF_OCTETS, end)
      if (unit.type === CLIENT_HELLO)
        sink.field(naclFields.magic, start, MAGIC_OCTETS, latin1Text(octets.subarray(start, keyAt)))
      sink.field(naclFields.ephemeral, keyAt, KEY_OCTETS, null)
      sink.field(naclFields.proof, keyAt + KEY_OCTETS, PROOF_OCTETS, null)
    }
    sink.close()
  },
  describe(units: readonly CountedUnit[]): string {
    return units
      .map(
        ({ first, packetOctets }) => titleOf(first.type) + (first.type === UNIT.sealed ? ` (len=${packetOctets})` : ''),
      )
      .join(', ')
  },
})

function titleOf(type: number): string {
  if (type === CLIENT_HELLO) return 'Client hello'
  if (type === SERVER_HELLO) return 'Server hello'
  return type === UNIT.sealed ? 'Sealed records' : 'not read on'
}
