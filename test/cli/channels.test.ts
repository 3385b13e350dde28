import { describe, expect, it } from 'vitest'
import { channelsCommand } from '../../cli/channels.js'
import { channelNames } from '../../core/secure/channels.js'
import { outputOf } from '../support/command-output.js'

describe('channels', () => {
  it('lists every channel, as a table and as JSON', async () => {
    const { status, out } = await outputOf(() => channelsCommand(['--json', '-']))
    expect(status).toBe(0)
    const listed = JSON.parse(out) as { name: string; hidesContent: boolean }[]
    expect(listed.map(({ name }) => name)).toEqual(channelNames)
    const table = await outputOf(() => channelsCommand([]))
    expect(table.out).toMatch(/aes-128-ecb +yes +no +no +nobody/)
  })
})
