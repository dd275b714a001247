import type { TraceEvent } from '../trace/event.ts'

/** Counts the bytes that live on the device, and the most of them while a training step runs. */
export class LiveBytes {
  /** Evaluation does not count: its forward is no training step's. */
  counting = true
  #now = 0
  #peak = 0

  get peak(): number {
    return this.#peak
  }

  readonly sink = (event: TraceEvent): void => {
    if (event.action === 'alloc') {
      if (event.device === 'device') this.#now += event.bytes
    } else if (event.action === 'free') this.#now -= event.bytes
    if (this.counting && this.#now > this.#peak) this.#peak = this.#now
  }
}
