/** A capture's packets as the engine lists them: which rows are in sight, what is known of them, what was asked about one. */
import { onScopeDispose, reactive, readonly, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import type {
  CaptureId,
  FollowedStream,
  PacketAnswer,
  PacketDetails,
  PacketList,
  PacketRow,
  FilterCompletions,
  StatisticsAnswer,
  StatisticsView,
} from '../engine/contract.js'
import { injectSession } from './use-session.js'

/** More rows than this are not remembered beside those in sight. */
const REMEMBERED_ROWS = 5000

export interface Packets {
  /** The filter in force. */
  readonly filter: Ref<string>
  /** Its last answer: counts, and what is wrong with the filter. Null before the first. */
  readonly list: Readonly<ShallowRef<PacketList | null>>
  /** A row among those that match, if it is known. Changes as answers come. */
  row(index: number): PacketRow | undefined
  /** These rows are in sight; `isAtEnd` when the list is scrolled to its end. */
  look(first: number, count: number, isAtEnd: boolean): void
  /** Choose a packet, and bring it into sight if it matches. */
  choose(packet: number | null, isRevealed?: boolean): void
  readonly chosen: Readonly<Ref<number | null>>
  /** Index of the packet that was to be revealed. */
  readonly revealed: Readonly<Ref<number | null>>
  readonly details: Readonly<ShallowRef<PacketDetails | null>>
  readonly followed: ShallowRef<FollowedStream | null>
  readonly statistics: ShallowRef<StatisticsAnswer | null>
  readonly completions: ShallowRef<FilterCompletions | null>
  follow(stream: number): void
  showStatistics(view: StatisticsView): void
  complete(text: string, cursor: number): void
}

export function usePackets(capture: CaptureId): Packets {
  const { send, listenToPackets } = injectSession()
  const filter = ref('')
  const list = shallowRef<PacketList | null>(null)
  const chosen = ref<number | null>(null)
  const revealed = ref<number | null>(null)
  const details = shallowRef<PacketDetails | null>(null)
  const followed = shallowRef<FollowedStream | null>(null)
  const statistics = shallowRef<StatisticsAnswer | null>(null)
  const completions = shallowRef<FilterCompletions | null>(null)
  const rows = reactive(new Map<number, PacketRow>())
  let sight = { first: -1, count: 100 }
  let reveal: number | null = null
  let known = { filter: '', dropped: 0 }
  let isDue = false

  function ask(): void {
    if (isDue) return
    isDue = true
    queueMicrotask(() => {
      isDue = false
      send({ kind: 'watch-packets', watch: { capture, filter: filter.value, ...sight, reveal } })
    })
  }

  function takeList(next: PacketList): void {
    if (next.watch.filter !== filter.value) return
    // Rows are counted among those that match; dropping the oldest counts them anew.
    if (known.filter !== next.watch.filter || known.dropped !== next.dropped || rows.size > REMEMBERED_ROWS)
      rows.clear()
    known = { filter: next.watch.filter, dropped: next.dropped }
    next.rows.forEach((row, index) => rows.set(next.first + index, Object.freeze(row)))
    list.value = next
    if (next.watch.reveal !== null && next.watch.reveal === reveal && next.revealed !== null) {
      revealed.value = next.revealed
      reveal = null
    }
  }

  function take(answer: PacketAnswer): void {
    switch (answer.kind) {
      case 'packets':
        if (answer.watch.capture === capture) takeList(answer)
        return
      case 'packet':
        if (answer.capture === capture && answer.packet === chosen.value) details.value = answer
        return
      case 'stream':
        if (answer.capture === capture) followed.value = answer.followed
        return
      case 'statistics':
        if (answer.capture === capture) statistics.value = answer
        return
      case 'completions':
        completions.value = answer
    }
  }

  const stop = listenToPackets(take)
  ask()
  watch(filter, () => {
    rows.clear()
    if (chosen.value !== null) reveal = chosen.value
    ask()
  })
  onScopeDispose(() => {
    stop()
    send({ kind: 'watch-packets', watch: null })
  })

  return {
    filter,
    list,
    row: (index) => rows.get(index),
    look(first, count, isAtEnd) {
      const next = { first: isAtEnd ? -1 : first, count }
      if (next.first === sight.first && next.count === sight.count) return
      sight = next
      ask()
    },
    choose(packet, isRevealed = false) {
      chosen.value = packet
      details.value = null
      revealed.value = null
      if (packet === null) return
      send({ kind: 'packet', capture, packet })
      if (!isRevealed) return
      reveal = packet
      ask()
    },
    chosen: readonly(chosen),
    revealed: readonly(revealed),
    details,
    followed,
    statistics,
    completions,
    follow: (stream) => send({ kind: 'follow-stream', capture, stream }),
    showStatistics: (view) => send({ kind: 'statistics', capture, view }),
    complete: (text, cursor) => send({ kind: 'complete-filter', text, cursor }),
  }
}
