import type { Terminal } from '../terminal.ts'

export interface Progress {
  readonly phase: string
  readonly step: number
  readonly of: number
  /** As far as can be told from the steps so far. */
  readonly secondsLeft?: number | undefined
}

const WIDTH = 24

/** `40 s`, `3 min` */
const minutes = (seconds: number): string =>
  seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`

/** A bar on a terminal, a line a step under `--verbose` elsewhere, nothing under `--quiet`. */
export class ProgressBar {
  readonly #terminal: Terminal
  readonly #label: string
  #shown = false
  #lastLine = ''

  constructor(terminal: Terminal, label: string) {
    this.#terminal = terminal
    this.#label = label
  }

  update({ phase, step, of, secondsLeft }: Progress): void {
    const text = `${this.#label}  ${phase}${of > 0 ? ` ${Math.min(step, of)}/${of}` : ''}`
    const left = secondsLeft === undefined ? '' : `, ${minutes(secondsLeft)} left`
    if (!this.#terminal.interactive) {
      if (text !== this.#lastLine) this.#terminal.mention(text)
      this.#lastLine = text
      return
    }
    const full = of > 0 ? Math.round((WIDTH * Math.min(step, of)) / of) : 0
    const bar = `${'█'.repeat(full)}${'░'.repeat(WIDTH - full)}`
    process.stderr.write(`\r\u001b[2K${bar} ${text}${left}`.slice(0, this.#terminal.width + 4))
    this.#shown = true
  }

  /** Leaves a clean line. */
  clear(): void {
    if (this.#shown) process.stderr.write('\r\u001b[2K')
    this.#shown = false
  }
}
