/** What ESP is good for as a migration's channel. */
import { MIGRATION_PORT, type ChannelProtection } from '../protection.js'

/** Transport mode: the packets of the two hosts, each with its own header. */
export const espProtection: ChannelProtection = Object.freeze({
  title: 'IPsec ESP, transport mode',
  port: MIGRATION_PORT,
  hidesContent: true,
  hidesRepetition: true,
  protectsIntegrity: true,
  authenticates: 'both',
  refusesDowngrade: true,
  hasForwardSecrecy: true,
  keyBits: 256,
  stillShows: [
    'which hosts talk',
    'how much, and when: the length of every packet',
    'SPI and sequence numbers',
    'that it is ESP: protocol 50',
  ],
})

/** Tunnel mode: whole packets in new ones. Between two hosts it shows the same addresses. */
export const espTunnelProtection: ChannelProtection = Object.freeze({
  ...espProtection,
  title: 'IPsec ESP, tunnel mode',
})
