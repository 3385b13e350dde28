import { bootedSession, migrateToEnd } from './lab-session.js'

/** The stream of a whole migration in clear, as its source wrote it. */
export function migratedStream(): Uint8Array {
  const session = bootedSession({ seed: 'stream' })
  session.world.guestDesk.evidence = { hashRam: false, recordStream: true }
  migrateToEnd(session)
  return session.world.crossing!.recording!.recorded()
}
