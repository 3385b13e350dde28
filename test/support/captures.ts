/** The captures of real migrations under test/fixtures/captures, and what their recorder knew. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

export interface PlantedSecret {
  readonly kind: 'password' | 'card' | 'decoy-card' | 'session-cookie' | 'private-key' | 'kv' | 'typed'
  readonly name: string
  readonly value: string
  readonly gpa: readonly string[]
}

export interface CaptureTruth {
  readonly zero_pages: number
  readonly normal_pages: number
  readonly rounds: readonly { readonly sent: Readonly<Record<string, number>> }[]
  readonly final_ram_sha256: string
  readonly secrets: readonly PlantedSecret[]
  readonly all_test_card_numbers_in_ram: Readonly<Record<string, readonly string[]>>
}

const folder = new URL('../fixtures/captures/', import.meta.url)

export const capturePath = (name: string): URL => new URL(`${name}.pcapng.gz`, folder)

export function readCapture(name: string): Uint8Array {
  return new Uint8Array(gunzipSync(readFileSync(capturePath(name))))
}

export function readTruth(name: string): CaptureTruth {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as CaptureTruth
}

/** The stream of a capture without the network around it. */
export function readSavedStream(name: 'a_plain'): Uint8Array {
  return new Uint8Array(gunzipSync(readFileSync(new URL(`${name}.qevm.gz`, folder))))
}
