import type { Category, Phase, TraceEvent } from './event.ts'
import type { Replay } from './reading.ts'

/** `[seq, phase, bytes by category]` */
export type Point = [seq: number, phase: Phase, bytes: Partial<Record<Category, number>>]

/** Collects live bytes through one step: every local maximum, and the first and last instant of each phase. */
export class Timeline {
  readonly points: Point[] = []
  #rising = false
  #last: TraceEvent | null = null

  /** Call before each event is applied to `replay`. */
  before(e: TraceEvent, replay: Replay): void {
    if (e.phase === 'static') return
    const last = this.#last
    if (last === null || last.phase !== e.phase) {
      if (last) this.#point(last, replay)
      this.#point(e, replay)
      this.#rising = false
    }
    if (e.action === 'free') {
      if (this.#rising && last) this.#point(last, replay)
      this.#rising = false
    } else if (e.action === 'alloc' && e.bytes > 0) this.#rising = true
    this.#last = e
  }

  /** Call after the last event. */
  end(replay: Replay): void {
    if (this.#last) this.#point(this.#last, replay)
  }

  #point(e: TraceEvent, replay: Replay): void {
    if (e.phase !== 'static') this.points.push([e.seq, e.phase, replay.byCategory()])
  }
}
