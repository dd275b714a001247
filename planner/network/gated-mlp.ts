import type { Activation } from '../../models/spec.ts'
import type { Shorthand, Tensor } from '../ops/ops.ts'
import type { Axis } from '../trace/axes.ts'
import { activation } from './activation.ts'
import type { Builder } from './builder.ts'
import { type Linear, linear } from './linear.ts'

/** LlamaMLP (modeling_llama.py), which many modeling files have by another name. */
export interface GatedMlp {
  readonly path: string
  readonly gate: Linear
  readonly up: Linear
  readonly down: Linear
  readonly activation: Activation
}

/** Declares its linears, `h → f`, `h → f` and `f → h`. */
export function declareGatedMlp(
  b: Builder,
  path: string,
  [h, f]: readonly [Axis, Axis],
  options: { readonly activation: Activation; readonly bias?: boolean },
): GatedMlp {
  const { bias = false } = options
  return {
    path,
    gate: b.linear(`${path}.gate_proj`, h, f, { bias }),
    up: b.linear(`${path}.up_proj`, h, f, { bias }),
    down: b.linear(`${path}.down_proj`, f, h, { bias }),
    activation: options.activation,
  }
}

/** `[b, t, h] → [b, t, h]` */
export function gatedMlp<T extends Tensor>(o: Shorthand<T>, m: GatedMlp, x: T): T {
  return o.module(m.path, [x], (s) => {
    const gated = o.mul(activation(o, `${m.path}.act_fn`, m.activation, linear(o, m.gate, x)), linear(o, m.up, x))
    return s.let(linear(o, m.down, gated))
  })
}
