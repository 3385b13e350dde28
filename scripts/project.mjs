// Where things are.
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const projectRoot = dirname(dirname(fileURLToPath(import.meta.url)))

/** @param {string[]} parts */
export const inProject = (...parts) => join(projectRoot, ...parts)

/**
 * The user's cache folder for this program, by the habits of the platform.
 * @param {NodeJS.ProcessEnv} [env]
 * @param {NodeJS.Platform} [platform]
 * @param {string} [home]
 */
export function cacheFolder(env = process.env, platform = process.platform, home = homedir()) {
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'midstream')
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'midstream')
  if (platform === 'win32') return join(env.LOCALAPPDATA ?? join(home, 'AppData', 'Local'), 'midstream', 'Cache')
  return join(home, '.cache', 'midstream')
}
