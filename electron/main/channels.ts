// Registers the contract's channels: sender checked, arguments checked, errors answered as data.
import { ipcMain } from 'electron'
import type { Channel, IpcAnswer, IpcContract } from '../ipc/contract.js'
import { checkArguments } from './channel-arguments.js'
import { isTrustedSender } from './security.js'

type Answer<C extends Channel> = ReturnType<IpcContract[C]>
export type Handlers = {
  readonly [C in Channel]: (...args: Parameters<IpcContract[C]>) => Answer<C> | Promise<Answer<C>>
}

export function registerChannels(handlers: Handlers): void {
  for (const channel of Object.keys(checkArguments) as Channel[]) register(channel, handlers[channel])
}

function register<C extends Channel>(channel: C, handler: Handlers[C]): void {
  ipcMain.handle(channel, async (event, ...args: unknown[]): Promise<IpcAnswer<Answer<C>>> => {
    if (!isTrustedSender(event)) return { ok: false, message: 'Refused: not the page of this app.' }
    try {
      return { ok: true, value: await handler(...checkArguments[channel](args)) }
    } catch (error) {
      return { ok: false, message: error instanceof Error ? error.message : String(error) }
    }
  })
}
