import { describe, expect, it } from 'vitest'
import { explainLaunchFailure } from '../../scripts/launch-failure.mjs'

const explain = (output: string, status = 1) => explainLaunchFailure({ executable: '/opt/e/electron', output, status })

describe('explainLaunchFailure', () => {
  it('gives the one command for a refused sandbox', () => {
    const refused =
      'FATAL:setuid_sandbox_host.cc(157)] The SUID sandbox helper binary was found, but is not configured correctly.'
    expect(explain(refused)).toContain(
      "sudo chown root:root '/opt/e/chrome-sandbox' && sudo chmod 4755 '/opt/e/chrome-sandbox'",
    )
  })

  it('names a missing library and a missing display', () => {
    expect(explain('electron: error while loading shared libraries: libnss3.so: cannot open', 127)).toContain(
      'libnss3.so',
    )
    expect(explain('Missing X server or $DISPLAY')).toContain('display')
  })

  it('otherwise shows the status and the last words', () => {
    expect(explain('a\nb\nc\nd\ne\nf', 5)).toMatch(/status 5[^]*b\nc\nd\ne\nf$/)
    expect(explain('', 5)).toContain('status 5')
  })
})
