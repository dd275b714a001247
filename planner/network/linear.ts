import type { Frame, Parameter, Shorthand, Tensor } from '../ops/ops.ts'
import { merge, ONE } from '../trace/axes.ts'
import type { DType } from '../trace/dtype.ts'
import { type Adapter, magnitudeOf } from './adapter.ts'
import { fusedLora } from './fused-lora.ts'
import type { Quantized } from './quantized.ts'
import { acrossRanks, type Shared } from './tensor-parallel.ts'

/** An `nn.Linear`, with PEFT's adapter around it where the setting asks for one. */
export interface Linear {
  readonly path: string
  /** Path of the linear itself: PEFT moves it to `base_layer`, or a copy that trains to `modules_to_save.default`. */
  readonly base: string
  /** `[out, in]`, of a Conv1D `[in, out]` */
  readonly weight: Parameter
  readonly bias: Parameter | null
  /** Where the weight is in 4 or 8 bits. */
  readonly quantized: Quantized | null
  readonly adapter: Adapter | null
  /** Whether its adapter runs in foak's kernel (fused-lora.ts). */
  readonly fused?: boolean
  /** How ranks share it. */
  readonly shared?: Shared
  /** transformers' Conv1D, which GPT-2 has in place of an `nn.Linear`. */
  readonly conv1d?: boolean
}

/** `[…, in] → […, out]` */
export function linear<T extends Tensor>(o: Shorthand<T>, m: Linear, x: T): T {
  if (m.fused) return o.module(m.path, [x], () => fusedLora(o, [m], x)[0]!)
  if (m.adapter) return loraLinear(o, m, m.adapter, x)
  if (m.base === m.path) return baseLinear(o, m.path, m, x)
  return o.module(m.path, [x], () => baseLinear(o, m.base, m, x))
}

function baseLinear<T extends Tensor>(o: Shorthand<T>, path: string, m: Linear, x: T): T {
  const { quantized } = m
  if (m.conv1d) return conv1d(o, path, m, x)
  if (!quantized)
    return o.module(path, [x], () =>
      acrossRanks(o, m.shared, x, (own) => o.linear(own, o.parameter(m.weight), m.bias && o.parameter(m.bias))),
    )
  // bitsandbytes/nn/modules.py, Linear8bitLt.forward and Linear4bit.forward: a bias takes the input's type for good.
  const biasAs = (dtype: DType): T | null => {
    const bias = m.bias && o.parameter(m.bias)
    return bias && (bias.dtype === dtype ? bias : o.run('retype', [bias], { dtype }))
  }
  if (quantized.bits === 8)
    return o.module(path, [x], () => {
      const typed = biasAs(x.dtype)
      return o.run('linear_8bit', [x, o.parameter(m.weight), typed], {})
    })
  // In the compute type, and back in the input's.
  const { compute, output, blocks, nested } = quantized
  return o.module(path, [x], (s) => {
    const input = s.let(o.to(x, compute))
    const weight = o.parameter(m.weight)
    const y = o.run('linear_4bit', [input, weight, biasAs(compute)], { output, blocks, nested })
    return o.to(y, x.dtype)
  })
}

/** Conv1D.forward (pytorch_utils.py). */
function conv1d<T extends Tensor>(o: Shorthand<T>, path: string, m: Linear, x: T): T {
  const [input, output] = m.weight.axes
  return o.module(path, [x], (s) => {
    const rows = x.axes.slice(0, -1)
    const flat = o.view(x, [merge(rows), input!])
    const y = s.let(o.run('conv1d', [flat, o.parameter(m.weight), o.parameter(m.bias!)], {}))
    return s.set(y, o.view(y, [...rows, output!]))
  })
}

/**
 * peft/tuners/lora/layer.py, Linear.forward. Under LoRA-FA A is frozen, so `linear(x, A)` keeps no x: only XA stays, for dB
 * (arXiv 2308.03303, §3).
 */
function loraLinear<T extends Tensor>(o: Shorthand<T>, m: Linear, adapter: Adapter, input: T): T {
  if (m.quantized) return quantizedLoraLinear(o, m, adapter, input)
  return o.module(m.path, [input], (s) => {
    let result = s.let(baseLinear(o, m.base, m, input))
    const dtype = result.dtype
    // A's type is asked for outside A's own module.
    let x = s.let(o.to(input, o.parameter(adapter.a).dtype))
    // Without dropout the module is an identity.
    const dropout = () => o.module(adapter.dropoutPath, [x], () => o.dropout(x, adapter.dropout))
    const { magnitude } = adapter
    if (magnitude && adapter.dora === 'input') {
      if (adapter.dropout > 0) x = s.set(x, dropout())
      result = s.set(result, o.add(result, doraOfInput(o, m, adapter, magnitude, x)))
    } else if (magnitude) {
      result = s.set(result, withDora(o, m, adapter, magnitude, x, result))
    } else {
      const dropped = dropout()
      const xab = viaAdapter(o, adapter, dropped)
      result = s.set(result, o.add(result, o.mulScalar(xab, adapter.scaling)))
    }
    result = s.set(result, o.to(result, dtype))
    return result
  })
}

/** peft/tuners/lora/bnb.py, Linear4bit.forward and Linear8bitLt.forward: the adapter's result is cast before it is added; in 4 bits the base's is cloned. */
function quantizedLoraLinear<T extends Tensor>(o: Shorthand<T>, m: Linear, adapter: Adapter, input: T): T {
  return o.module(m.path, [input], (s) => {
    const [a, b] = [o.parameter(adapter.a), o.parameter(adapter.b)]
    const base = baseLinear(o, m.base, m, input)
    let result = s.let(m.quantized?.bits === 8 ? base : o.run('clone', [base], {}))
    const x = s.let(adapter.converts ? o.to(input, a.dtype) : input)
    if (adapter.magnitude) {
      const { dtype } = result
      result = s.set(result, withDora(o, m, adapter, adapter.magnitude, x, result))
      if (adapter.converts) result = s.set(result, o.to(result, dtype))
      return result
    }
    const dropped = adapter.dropout > 0 ? o.module(adapter.dropoutPath, [x], () => o.dropout(x, adapter.dropout)) : x
    const xa = o.module(adapter.aPath, [dropped], () => o.linear(dropped, a))
    const xab = o.module(adapter.bPath, [xa], () => o.linear(xa, b))
    let output = s.let(o.mulScalar(xab, adapter.scaling))
    if (adapter.converts) output = s.set(output, o.to(output, result.dtype))
    result = s.set(result, o.add(result, output))
    return result
  })
}

/** peft/tuners/lora/variants.py, DoraLinearVariant.forward: a function of its own, in which x becomes the dropped x. */
function withDora<T extends Tensor>(
  o: Shorthand<T>,
  m: Linear,
  adapter: Adapter,
  magnitude: Parameter,
  x: T,
  result: T,
): T {
  return o.call([x, result], (s) => {
    const dropped =
      adapter.dropout > 0
        ? s.set(
            x,
            o.module(adapter.dropoutPath, [x], () => o.dropout(x, adapter.dropout)),
          )
        : null
    return o.add(result, dora(o, m, adapter, magnitude, x, dropped, result))
  })
}

/**
 * peft/tuners/lora/dora.py, DoraLinearLayer.forward: the base's rows scaled to a trained magnitude. Its weight norm is worked out
 * on each call from BA as a matrix, made by sending the identity through the adapter, and has no gradient. `dropped` is x after
 * dropout, where there is one; then the base's result is worked out again from it.
 */
function dora<T extends Tensor>(
  o: Shorthand<T>,
  m: Linear,
  adapter: Adapter,
  magnitude: Parameter,
  plain: T,
  dropped: T | null,
  result: T,
): T {
  const x = dropped ?? plain
  return o.module(magnitudeOf(m.path), [x], (s) => {
    let lora = s.let(o.call([], (f) => f.let(o.transpose(viaAdapter(o, adapter, f.let(identity(o, adapter))), 0, 1))))
    // Under autocast the adapter has made it in the lower type.
    lora = s.set(lora, o.to(lora, x.dtype))
    let weight = s.let(unpacked(o, m))
    weight = s.set(weight, o.to(weight, x.dtype))
    const scale = magnitudeScale(o, s, adapter, magnitude, weight, lora)
    const xab = s.let(viaAdapter(o, adapter, x))
    let base = dropped ? s.let(o.linear(x, weight)) : s.let(result)
    if (!dropped && m.bias) base = s.set(base, o.sub(base, o.parameter(m.bias)))
    return s.let(o.add(o.mul(o.addScalar(scale, -1), base), o.mulScalar(o.mul(scale, xab), adapter.scaling)))
  })
}

/** The same in PEFT 0.13: x goes through the adapter first, and through the base's weight once more in any case. */
function doraOfInput<T extends Tensor>(o: Shorthand<T>, m: Linear, adapter: Adapter, magnitude: Parameter, x: T): T {
  return o.module(magnitudeOf(m.path), [x], (s) => {
    const xab = s.let(viaAdapter(o, adapter, x))
    const lora = s.let(o.transpose(viaAdapter(o, adapter, s.let(identity(o, adapter))), 0, 1))
    const weight = s.let(o.to(o.parameter(m.weight), x.dtype))
    const scale = magnitudeScale(o, s, adapter, magnitude, weight, lora)
    const base = o.mul(o.addScalar(scale, -1), o.linear(x, weight))
    return s.let(o.add(base, o.mulScalar(o.mul(scale, xab), adapter.scaling)))
  })
}

/** peft/utils/integrations.py, dequantize_module_weight: a packed weight as it is computed with; any other one is itself. */
function unpacked<T extends Tensor>(o: Shorthand<T>, m: Linear): T {
  const weight = o.parameter(m.weight)
  if (m.quantized?.bits !== 4) return weight
  const { compute, input, output, blocks, nested } = m.quantized
  return o.run('dequantize_4bit', [weight], { axes: [output, input], dtype: compute, blocks, nested })
}

function viaAdapter<T extends Tensor>(o: Shorthand<T>, { a, b, aPath, bPath, shared }: Adapter, x: T): T {
  const xa = o.module(aPath, [x], () => o.linear(x, o.parameter(a)))
  return o.module(bPath, [xa], () => acrossRanks(o, shared, xa, (own) => o.linear(own, o.parameter(b))))
}

/** `torch.eye`: `[in, in]` */
function identity<T extends Tensor>(o: Shorthand<T>, { a }: Adapter): T {
  const input = a.axes[1]!
  return o.run('constant', [], { axes: [input, input], dtype: a.dtype, value: 1 })
}

/** The magnitudes over the norm of each row of `weight` + BA, which counts as a constant: `[1, out]`, among the names of `s`. */
function magnitudeScale<T extends Tensor>(
  o: Shorthand<T>,
  s: Frame<T>,
  adapter: Adapter,
  magnitude: Parameter,
  weight: T,
  lora: T,
): T {
  const constant = o.detach(lora)
  const rows = o.call([constant], (f) => {
    const whole = f.let(o.add(weight, o.mulScalar(constant, adapter.scaling)))
    return o.vectorNorm(whole)
  })
  const norm = s.let(o.detach(rows))
  return s.let(o.view(o.div(o.parameter(magnitude), norm), [ONE, magnitude.axes[0]!]))
}
