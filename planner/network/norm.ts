import type { Parameter, Shorthand, Tensor } from '../ops/ops.ts'

export interface RmsNorm {
  readonly path: string
  /** `[h]` */
  readonly weight: Parameter
  readonly eps: number
}

/** LlamaRMSNorm.forward (modeling_llama.py): in float32, then the weight in the input's type. `[…, h] → […, h]` */
export function rmsNorm<T extends Tensor>(o: Shorthand<T>, m: RmsNorm, input: T): T {
  return o.module(m.path, [input], (s) => {
    const dtype = input.dtype
    let x = s.let(o.to(input, 'float32'))
    const variance = s.let(o.mean(o.pow(x, 2)))
    x = s.set(x, o.mul(x, o.rsqrt(o.addScalar(variance, m.eps))))
    return o.mul(o.parameter(m.weight), o.to(x, dtype))
  })
}

/** foak's kernel in its place: one node (fms_acceleration_foak/kernels/unsloth/rms_layernorm.py). `[…, h] → […, h]` */
export function fastNorm<T extends Tensor>(o: Shorthand<T>, m: RmsNorm, input: T): T {
  return o.module(m.path, [input], () => o.run('fast_rms_norm', [input, o.parameter(m.weight)], {}))
}

/** Olmo2RMSNorm.forward (modeling_olmo2.py): the weight's product in float32, then back. `[…, h] → […, h]` */
export function olmoNorm<T extends Tensor>(o: Shorthand<T>, m: RmsNorm, input: T): T {
  return o.module(m.path, [input], (s) => {
    const dtype = input.dtype
    let x = s.let(o.to(input, 'float32'))
    const variance = s.let(o.mean(o.pow(x, 2)))
    x = s.set(x, o.mul(x, o.rsqrt(o.addScalar(variance, m.eps))))
    return o.to(o.mul(o.parameter(m.weight), x), dtype)
  })
}

/** GemmaRMSNorm.forward (modeling_gemma.py): in float32 to the end, times 1 + weight. `[…, h] → […, h]` */
export function gemmaNorm<T extends Tensor>(o: Shorthand<T>, m: RmsNorm, input: T): T {
  return o.module(m.path, [input], (s) => {
    const wide = o.to(input, 'float32')
    let x = s.let(o.call([wide], () => o.mul(wide, o.rsqrt(o.addScalar(o.mean(o.pow(wide, 2)), m.eps)))))
    x = s.set(x, o.mul(x, o.addScalar(o.to(o.parameter(m.weight), 'float32'), 1)))
    return o.to(x, input.dtype)
  })
}

export interface LayerNorm {
  readonly path: string
  /** `[h]` */
  readonly weight: Parameter
  /** `[h]` */
  readonly bias: Parameter | null
  readonly eps: number
}

/** torch.nn.LayerNorm. `[…, h] → […, h]` */
export function layerNorm<T extends Tensor>(o: Shorthand<T>, m: LayerNorm, x: T): T {
  return o.module(m.path, [x], () => o.layerNorm(x, o.parameter(m.weight), m.bias && o.parameter(m.bias), m.eps))
}

/** T5LayerNorm.forward (modeling_t5.py): an RMS norm whose product is taken in the promoted type. `[…, h] → […, h]` */
export function t5Norm<T extends Tensor>(o: Shorthand<T>, m: RmsNorm, input: T): T {
  return o.module(m.path, [input], (s) => {
    const weight = o.parameter(m.weight)
    let x = s.let(input)
    const variance = s.let(o.mean(o.pow(o.to(x, 'float32'), 2)))
    x = s.set(x, o.mul(x, o.rsqrt(o.addScalar(variance, m.eps))))
    if (weight.dtype !== 'float32') x = s.set(x, o.to(x, weight.dtype))
    return o.mul(weight, x)
  })
}
