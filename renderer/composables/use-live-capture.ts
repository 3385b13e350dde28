/** The attacker's capture on its way into Wireshark while the session runs: piece by piece, as fast as Wireshark takes it. */
import { inject, onScopeDispose, readonly, shallowRef, type InjectionKey, type ShallowRef } from 'vue'
import { desktop } from '../desktop.js'
import type { CaptureId, Request } from '../engine/contract.js'
import type { Problem } from './use-session.js'

/** Between two looks at a capture that had nothing new. */
const REST_MS = 150

export interface LiveCapture {
  /** Wireshark is installed, and this is the desktop. */
  readonly isAvailable: Readonly<ShallowRef<boolean>>
  readonly isLive: Readonly<ShallowRef<boolean>>
  toggle(capture?: CaptureId): Promise<void>
  /** The engine's answer to what was asked for. */
  take(octets: Uint8Array, isLast: boolean): Promise<void>
}

export const liveCaptureKey: InjectionKey<LiveCapture> = Symbol('live capture')

export function injectLiveCapture(): LiveCapture {
  const live = inject(liveCaptureKey)
  if (live === undefined) throw new Error('No live capture was provided')
  return live
}

export function useLiveCapture(send: (request: Request) => void, complain: (problem: Problem) => void): LiveCapture {
  const api = desktop()
  const isAvailable = shallowRef(false)
  const isLive = shallowRef(false)
  let timer: ReturnType<typeof setTimeout> | undefined
  api
    ?.hasWireshark()
    .then((has) => (isAvailable.value = has))
    .catch(() => (isAvailable.value = false))

  async function stop(): Promise<void> {
    clearTimeout(timer)
    if (!isLive.value) return
    isLive.value = false
    await api?.endWireshark()
  }
  onScopeDispose(() => void stop())

  async function attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      isLive.value = false
      complain({
        what: 'Wireshark cannot show the capture',
        message: error instanceof Error ? error.message : String(error),
      })
    }
  }

  return {
    isAvailable: readonly(isAvailable),
    isLive: readonly(isLive),
    toggle: (capture = 'mirror') =>
      attempt(async () => {
        if (isLive.value) return stop()
        await api?.startWireshark()
        isLive.value = true
        send({ kind: 'live-capture', begin: capture })
      }),
    take: (octets, isLast) =>
      attempt(async () => {
        if (!isLive.value) return
        const isOpen = octets.length === 0 || (await api?.writeToWireshark(octets)) === true
        if (isLast || !isOpen) return stop()
        timer = setTimeout(() => send({ kind: 'live-capture', begin: null }), octets.length === 0 ? REST_MS : 0)
      }),
  }
}
