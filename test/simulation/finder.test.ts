/** Guests of many seeds, of every image: every secret that was planted is found in their memory, and nothing else. */
import { describe, expect, it } from 'vitest'
import { readGuestImage } from '../../cli/guest-images.js'
import { findSecrets } from '../../core/attack/secret-finder.js'
import { RandomStream } from '../../core/kernel/random.js'
import {
  SHELL_B_DEFAULTS,
  SHELL_DEFAULTS,
  STRESS_DEFAULTS,
  TENANT_DEFAULTS,
  writeGuestParameters,
} from '../../core/machine/guest-parameters.js'
import { secretsOfImage } from '../../core/machine/store-secrets.js'
import { Machine } from '../../core/machine/machine.js'
import { guestMac } from '../../core/session/rack.js'
import { simulationSeeds } from '../support/seeds.js'

/** Guests a seed of the simulation. */
const GUESTS = 20
const SLICES = 600

const bare = (text: string): string => text.replace(/[ -]/g, '')

describe.each([
  ['shell', SHELL_DEFAULTS],
  ['shell-b', SHELL_B_DEFAULTS],
  ['stress', STRESS_DEFAULTS],
  ['tenant', TENANT_DEFAULTS],
] as const)('the memory of %s', (name, defaults) => {
  const image = readGuestImage(name)
  it.each(simulationSeeds(6))('gives all it holds, and no more (%s)', (seed) => {
    const random = new RandomStream(`finder ${seed}`)
    for (let guest = 0; guest < GUESTS; guest++) {
      const parameters = { ...defaults, seed: random.u32(), fillOctets: 512 * 1024 }
      const machine = new Machine({ ramOctets: 2 * 1024 ** 2, nicMac: guestMac })
      machine.loadElf(image)
      writeGuestParameters(machine.ram, parameters)
      for (let slice = 0; slice < SLICES; slice++) machine.runSlice(slice * 50_000, 2500)
      const found = findSecrets(machine.ram.octets).map(({ value }) => bare(value))
      const planted = secretsOfImage(name, parameters)
        .filter(({ onlyOnceTyped }) => onlyOnceTyped !== true)
        .map(({ value }) => bare(value))
      const where = `SEED=${seed}, guest ${parameters.seed}`
      expect(
        planted.filter((value) => !found.some((each) => each.includes(value))),
        where,
      ).toEqual([])
      expect(
        found.filter((each) => !planted.some((value) => each.includes(value))),
        where,
      ).toEqual([])
    }
  })
})
