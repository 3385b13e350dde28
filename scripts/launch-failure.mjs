// Why an Electron that was started did not open its window, and what the person can do about it.
import { dirname, join } from 'node:path'

/**
 * @param {{ executable: string, output: string, status: number }} exit what the process wrote, and its exit status
 * @returns {string} sentences to show
 */
export function explainLaunchFailure({ executable, output, status }) {
  if (/SUID sandbox|No usable sandbox|namespace sandbox|zygote_host_impl_linux/.test(output)) {
    const helper = join(dirname(executable), 'chrome-sandbox')
    return [
      'This system does not let an unpacked Electron use its sandbox (Ubuntu 23.10 and later restrict user namespaces).',
      'Midstream does not switch the sandbox off. One command gives this Electron its own sandbox helper:',
      `  sudo chown root:root '${helper}' && sudo chmod 4755 '${helper}'`,
    ].join('\n')
  }
  const library = /error while loading shared libraries: (\S+?):/.exec(output)?.[1]
  if (library) return `Electron misses the system library ${library}; the packages named above bring it.`
  if (/Missing X server|cannot open display|Failed to connect to Wayland/i.test(output)) {
    return 'Electron cannot reach the display that DISPLAY or WAYLAND_DISPLAY names.'
  }
  return `Electron ended with status ${status} before its window opened${output.trim() ? `. Its last words:\n${output.trim().split('\n').slice(-5).join('\n')}` : '.'}`
}
