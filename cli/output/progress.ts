import type { Terminal } from '../terminal.ts'

export interface Progress {
  readonly phase: string
  readonly step: number
  readonly of: number
}

const WIDTH = 24

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

  update({ phase, step, of }: Progress): void {
    const text = `${this.#label}  ${phase}${of > 0 ? ` ${Math.min(step, of)}/${of}` : ''}`
    if (!this.#terminal.interactive) {
      if (text !== this.#lastLine) this.#terminal.mention(text)
      this.#lastLine = text
      return
    }
    const full = of > 0 ? Math.round((WIDTH * Math.min(step, of)) / of) : 0
    const bar = `${'█'.repeat(full)}${'░'.repeat(WIDTH - full)}`
    process.stderr.write(`\r\u001b[2K${bar} ${text}`.slice(0, this.#terminal.width + 4))
    this.#shown = true
  }

  /** Leaves a clean line. */
  clear(): void {
    if (this.#shown) process.stderr.write('\r\u001b[2K')
    this.#shown = false
  }
}
