import type { Parameter, Shorthand, Tensor } from '../ops/ops.ts'
import type { Adapter } from './adapter.ts'

/** An `nn.Linear`, with PEFT's adapter around it where the setting asks for one. */
export interface Linear {
  readonly path: string
  /** Path of the linear itself: PEFT moves it to `base_layer`, or a copy that trains to `modules_to_save.default`. */
  readonly base: string
  /** `[out, in]` */
  readonly weight: Parameter
  readonly bias: Parameter | null
  readonly adapter: Adapter | null
}

/** `[…, in] → […, out]` */
export function linear<T extends Tensor>(o: Shorthand<T>, m: Linear, x: T): T {
  if (m.adapter) return loraLinear(o, m, m.adapter, x)
  if (m.base === m.path) return baseLinear(o, m.path, m, x)
  return o.module(m.path, [x], () => baseLinear(o, m.base, m, x))
}

function baseLinear<T extends Tensor>(o: Shorthand<T>, path: string, m: Linear, x: T): T {
  return o.module(path, [x], () => o.linear(x, o.parameter(m.weight), m.bias && o.parameter(m.bias)))
}

/**
 * peft/tuners/lora/layer.py, Linear.forward. Under LoRA-FA A is frozen, so `linear(x, A)` keeps no x: only XA stays, for dB
 * (arXiv 2308.03303, §3).
 */
function loraLinear<T extends Tensor>(o: Shorthand<T>, m: Linear, adapter: Adapter, input: T): T {
  return o.module(m.path, [input], (s) => {
    const a = o.parameter(adapter.a)
    const b = o.parameter(adapter.b)
    let result = s.let(baseLinear(o, m.base, m, input))
    const dtype = result.dtype
    const x = s.let(o.to(input, a.dtype))
    const dropped = adapter.dropout > 0 ? o.module(adapter.dropoutPath, [x], () => o.dropout(x, adapter.dropout)) : x
    const xa = o.module(adapter.aPath, [dropped], () => o.linear(dropped, a))
    const xab = o.module(adapter.bPath, [xa], () => o.linear(xa, b))
    result = s.set(result, o.add(result, o.mulScalar(xab, adapter.scaling)))
    result = s.set(result, o.to(result, dtype))
    return result
  })
}
