import { writeSync } from 'node:fs'

/** Set before TensorFlow loads, it writes every allocation and release to standard error. */
export const LOGGED: Readonly<Record<string, string>> = { TF_CPP_MIN_LOG_LEVEL: '0', TF_CPP_VMODULE: 'log_memory=2' }

/** Begins a line that a run writes between TensorFlow's. */
export const MARK = 'tidemark-mark '

const STANDARD_ERROR = 2

/** Writes a mark; nothing where TensorFlow writes no log. Past node's own stream, which would make the descriptor non-blocking. */
export function mark(text: string): void {
  if (process.env.TF_CPP_VMODULE === LOGGED.TF_CPP_VMODULE) writeSync(STANDARD_ERROR, `${MARK}${text}\n`)
}
