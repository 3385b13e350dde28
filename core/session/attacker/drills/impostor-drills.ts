/** An impostor: the server that a careless client takes for the one it meant. */
import { milliseconds } from '../../../base/units.js'
import type { Drill } from './drill.js'
import { stopped } from './middle-drills.js'
import { RackLab } from './rack-lab.js'

const impostor =
  (kind: 'ssh' | 'tls'): Drill =>
  (parts) => {
    const lab = RackLab.begun(parts, `impostor-${kind}`)
    if (lab.channel !== kind) return lab.end('not applicable', `the hosts do not use ${kind.toUpperCase()}`, [])
    lab.wait(milliseconds(500))
    lab.migrate()
    const read = lab.rows('attack-stage').filter(({ stage, text }) => stage === 'read' && / pages of memory/.test(text))
    const last = read.at(-1)
    if (last === undefined) return stopped(lab)
    const host = lab.session.world.liveVm()?.hostName ?? 'no host'
    return lab.end('succeeded', `${last.text}; the migration fails, and the guest stays on ${host}`, lab.stages())
  }

export const impostorSsh = impostor('ssh')
export const impostorTls = impostor('tls')
