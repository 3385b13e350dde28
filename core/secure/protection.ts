/** What a channel is good for, as data. Each line is tried by an attacker in the tests of the channels. */

/** TCP ports that carry migrations: QEMU's first under libvirt, and SSH's. */
export const MIGRATION_PORT = 49152
export const SSH_PORT = 22

/** What someone on the path can and cannot do to a channel. */
export interface ChannelProtection {
  readonly title: string
  /** TCP port on the destination. */
  readonly port: number
  /** Can an eavesdropper not read what is carried? */
  readonly hidesContent: boolean
  /** Can an eavesdropper not tell which equal pieces (pages, blocks) are carried again? */
  readonly hidesRepetition: boolean
  /** Can it not be changed, cut, repeated or reordered without the reader noticing? */
  readonly protectsIntegrity: boolean
  /** Which ends prove who they are to the other. */
  readonly authenticates: 'nobody' | 'server' | 'both'
  /** Can someone in between not make the ends agree on less than both are able to? */
  readonly refusesDowngrade: boolean
  /** Does a long-term key stolen later leave earlier captures closed? */
  readonly hasForwardSecrecy: boolean
  /** Bits of the key that somebody has to try; null where nothing is sealed. */
  readonly keyBits: number | null
  /** What an eavesdropper learns all the same. */
  readonly stillShows: readonly string[]
}
