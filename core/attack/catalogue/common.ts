/** What several definitions say alike. */
import type { ConfigurationName } from './configurations.js'

export const OBERHEIDE =
  'Oberheide, Cooke, Jahanian: Empirical Exploitation of Live Virtual Machine Migration, Black Hat DC 2008'

/** Channels under which nothing can be read. */
export const sealed = [
  ...([
    'aes-128-ecb',
    'aes-256-ctr',
    'aes-256-gcm',
    'nacl',
    'tls',
    'tls-any-certificate',
    'tls-shaped',
    'ssh',
    'ssh-any-key',
  ] as const),
  ...(['esp', 'vmotion-opportunistic', 'vmotion-required'] as const),
] satisfies readonly ConfigurationName[]

export function all<V>(names: readonly ConfigurationName[], verdict: V): Partial<Record<ConfigurationName, V>> {
  return Object.fromEntries(names.map((name) => [name, verdict]))
}
