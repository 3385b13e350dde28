/** Which sequence numbers have come: the window of RFC 4303 section 3.4.3, so that a packet is taken once and no more. */

/** RFC 4303: 32 must be supported, 64 should be the default. */
export const REPLAY_WINDOW_PACKETS = 64

export class ReplayWindow {
  /** The highest number that was taken; 0 before the first, which is 1. */
  private highest = 0
  /** Bit n of the two words says that `highest - n` has come. */
  private recent = 0
  private earlier = 0

  /** Why a packet with that number is not to be taken, or null. Nothing is changed: it may yet be a forgery. */
  refusal(sequence: number): string | null {
    if (sequence === 0) return 'sequence number 0 is never sent'
    const behind = this.highest - sequence
    if (behind < 0) return null
    if (behind >= REPLAY_WINDOW_PACKETS) return 'sequence number left of the anti-replay window'
    const word = behind < 32 ? this.recent : this.earlier
    return ((word >>> (behind & 31)) & 1) === 1 ? 'replayed' : null
  }

  /** A packet with that number was authentic. */
  take(sequence: number): void {
    const ahead = sequence - this.highest
    if (ahead <= 0) {
      const bit = 1 << (-ahead & 31)
      if (-ahead < 32) this.recent |= bit
      else this.earlier |= bit
      return
    }
    this.highest = sequence
    if (ahead >= 64) this.earlier = this.recent = 0
    else if (ahead >= 32) {
      this.earlier = ahead === 32 ? this.recent : this.recent << (ahead - 32)
      this.recent = 0
    } else {
      this.earlier = (this.earlier << ahead) | (this.recent >>> (32 - ahead))
      this.recent <<= ahead
    }
    this.recent |= 1
  }
}
