import type { Shorthand, Tensor } from '../ops/ops.ts'

/** nn.Dropout under `path`; at p = 0 the call remains and does nothing. */
export function dropout<T extends Tensor>(o: Shorthand<T>, path: string, p: number, x: T): T {
  return o.module(path, [x], () => o.dropout(x, p))
}
