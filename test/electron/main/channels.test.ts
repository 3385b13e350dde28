import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { IpcAnswer } from '../../../electron/ipc/contract.js'
import { checkArguments } from '../../../electron/main/channel-arguments.js'
import { registerChannels, type Handlers } from '../../../electron/main/channels.js'

type Listener = (event: unknown, ...args: unknown[]) => Promise<IpcAnswer<unknown>>
const listeners = vi.hoisted(() => new Map<string, Listener>())
vi.mock('electron', () => ({
  ipcMain: { handle: (channel: string, listener: Listener) => void listeners.set(channel, listener) },
}))

const page = { senderFrame: { url: 'app://midstream/', parent: null } }
const strangers = [
  { senderFrame: { url: 'https://example.com/', parent: null } },
  { senderFrame: { url: 'app://midstream/', parent: {} } },
  { senderFrame: null },
]

describe('registerChannels', () => {
  const channels = Object.keys(checkArguments)
  const handler = vi.fn()

  beforeEach(() => {
    listeners.clear()
    handler.mockReset()
    registerChannels(Object.fromEntries(channels.map((channel) => [channel, handler])) as unknown as Handlers)
  })

  it('answers on every channel of the contract', () => {
    expect([...listeners.keys()]).toEqual(channels)
  })

  it.each(channels)('%s: nobody but the page itself is heard', async (channel) => {
    for (const event of strangers)
      expect(await listeners.get(channel)!(event)).toEqual({
        ok: false,
        message: expect.stringMatching(/^Refused/) as string,
      })
    expect(handler).not.toHaveBeenCalled()
  })

  it('hands on checked arguments only', async () => {
    handler.mockResolvedValue('kept')
    expect(await listeners.get('session:load')!(page, 'a', 'more')).toEqual({ ok: true, value: 'kept' })
    expect(handler.mock.calls).toEqual([['a']])
    expect(await listeners.get('session:load')!(page, '../secret')).toMatchObject({ ok: false })
    expect(handler).toHaveBeenCalledTimes(1)
  })

  it('answers an error in words', async () => {
    handler.mockRejectedValue(new Error('The disk is full.'))
    expect(await listeners.get('session:load')!(page, 'a')).toEqual({ ok: false, message: 'The disk is full.' })
  })
})
