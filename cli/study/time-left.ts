/** Tells how long a counted work still takes, from the pace of its steps so far. */
export class TimeLeft {
  #of = 0
  #started = 0
  #first = 0

  /** Seconds left after a step; undefined where nothing can be told yet. A count to another end begins anew. */
  after({ step, of }: { readonly step: number; readonly of: number }, now = performance.now()): number | undefined {
    if (of !== this.#of) {
      this.#of = of
      this.#started = now
      this.#first = step
      return undefined
    }
    const made = step - this.#first
    return made <= 0 ? undefined : (((now - this.#started) / 1000) * (of - step)) / made
  }
}
