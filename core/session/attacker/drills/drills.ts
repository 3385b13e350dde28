/** How each attack of the catalogue is played, by its name. */
import type { Drill } from './drill.js'
import { commandReplay, commandSpoof, falseAdvert, vmPoaching } from './fleet-drills.js'
import { migrationFlood } from './flood-drills.js'
import { impostorSsh, impostorTls } from './impostor-drills.js'
import { middleDevice, middleLogin, middleRollback, middleSwap, middleText, middleTruncate } from './middle-drills.js'
import { middleDowngrade, middleFlip, middlePaste } from './place-drills.js'
import { incomingControl, needlessMigrations } from './monitor-drills.js'
import { heldMigrations, receiverDrill } from './receiver-drills.js'
import { identifyGuest } from './traffic-drills.js'
import { vmJumping } from './neighbour-drills.js'
import { snoopAt, snoopFlooding } from './snoop-drills.js'

export const drills: Readonly<Record<string, Drill>> = {
  'vm-jumping': vmJumping,
  'vm-poaching': vmPoaching,
  'incoming-control': incomingControl,
  'needless-migrations': needlessMigrations,
  'migration-flood': migrationFlood,
  'half-open-migrations': heldMigrations(''),
  'slow-migrations': heldMigrations(' -i 500ms'),
  'false-advert': falseAdvert,
  'command-spoof': commandSpoof,
  'command-replay': commandReplay,
  'snoop-mirror': snoopAt('mirror'),
  'snoop-hub': snoopAt('hub'),
  'snoop-flood': snoopFlooding,
  'snoop-switch': snoopAt('switch'),
  'traffic-identify': identifyGuest,
  'middle-text': middleText,
  'middle-login': middleLogin,
  'middle-rollback': middleRollback,
  'middle-swap': middleSwap,
  'middle-device': middleDevice,
  'middle-truncate': middleTruncate,
  'middle-flip': middleFlip,
  'middle-paste': middlePaste,
  'middle-downgrade': middleDowngrade,
  'impostor-ssh': impostorSsh,
  'impostor-tls': impostorTls,
  'receiver-batch': receiverDrill('batch'),
  'receiver-free-list': receiverDrill('free-list'),
  'receiver-device-index': receiverDrill('device-index'),
  'receiver-device-length': receiverDrill('device-length'),
}
