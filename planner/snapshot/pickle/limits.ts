/**
 * How much is read. A snapshot of a hundred thousand events has some 50 MB, a million values and a nesting of six; a file that
 * asks for more than this is refused before memory is given to it.
 */
export interface PickleLimits {
  /** Bytes of the file. */
  readonly bytes: number
  /** Bytes of one text. */
  readonly text: number
  /** Bytes of one integer. */
  readonly integer: number
  /** Lists, tuples and dicts. */
  readonly containers: number
  /** Values waiting on the stack: PyTorch's C++ pickler puts a whole list there before it appends it. */
  readonly stack: number
  /** Marks that are open at once. */
  readonly marks: number
  /** Entries of the memo, and its largest index. */
  readonly memo: number
  /** Levels of containers in containers. */
  readonly depth: number
}

export const PICKLE_LIMITS: PickleLimits = {
  bytes: 2 ** 30,
  text: 2 ** 20,
  integer: 16,
  containers: 2 ** 23,
  stack: 2 ** 24,
  marks: 64,
  memo: 2 ** 25,
  depth: 32,
}
