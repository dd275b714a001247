import type { Values } from './engine.ts'

/**
 * What a loop over storages does on a device, in WGSL: the body of a function that is called for each `i`. Buffers are `b0`, `b1` …
 * with elements of type `T0`, `T1` …; `n(k)` is a whole number, `r(k)` a real one, `place(i, k, rank)` the position of element `i`
 * of a tensor whose sizes are `n(k)` … and whose steps follow them.
 */
export interface DeviceLoop {
  readonly name: string
  /** How many of the buffers, the first ones, are written. */
  readonly written: number
  readonly body: string
}

/** What one call of a loop is told. */
export interface LoopNumbers {
  /** Calls of the body. */
  readonly count: number
  readonly whole?: readonly number[]
  readonly real?: ArrayLike<number>
}

/** The same loop where memory is the host's: over the storages themselves. */
export type HostLoop = (...buffers: Values[]) => void
