import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { attackCommand } from '../../cli/attack.js'
import { attacksDocument } from '../../cli/attacks-document.js'
import { outputOf } from '../support/command-output.js'

describe('attack', () => {
  it('is described by a document that is made from its definitions', () => {
    expect(readFileSync('docs/attacks.md', 'utf8')).toBe(attacksDocument())
  })

  it('plays an attack, says how it ended and what proves it, the same on every run', async () => {
    const play = () => outputOf(() => attackCommand(['middle-login', '--json', '-']))
    const { status, out } = await play()
    expect(status).toBe(0)
    const result = JSON.parse(out) as Record<string, unknown>
    expect(result).toMatchObject({ attack: 'middle-login', configuration: 'vulnerable', verdict: 'succeeded' })
    expect((await play()).out).toBe(out)
  })

  it('names what there is when it is asked for something else', async () => {
    await expect(attackCommand(['nope'])).rejects.toThrow(/there is no attack nope; there are: .*snoop-mirror/)
    await expect(attackCommand(['snoop-hub', '--against', 'nothing'])).rejects.toThrow(/choose one of vulnerable/)
    await expect(attackCommand(['snoop-hub', 'middle-text'])).rejects.toThrow(/one attack at a time/)
  })
})
