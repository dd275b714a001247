import type { Activation } from '../../models/spec.ts'
import type { Parameter, Shorthand, Tensor } from '../ops/ops.ts'
import { type Axis, axis, merge } from '../trace/axes.ts'
import { type DType, ITEMSIZE } from '../trace/dtype.ts'
import { Refusal } from '../trace/errors.ts'
import { activation } from './activation.ts'
import type { Builder } from './builder.ts'

/** The gated MLPs of a layer's experts, side by side in two parameters (MixtralExperts, Qwen3MoeExperts). */
export interface Experts {
  readonly path: string
  /** `[E, 2·m, h]` */
  readonly gateUp: Parameter
  /** `[E, h, m]` */
  readonly down: Parameter
  readonly activation: Activation
}

/** Picks a token's experts (MixtralTopKRouter, Qwen3MoeTopKRouter). */
export interface Router {
  readonly path: string
  /** `[E, h]`: a parameter of its own and no `nn.Linear`, so that neither adapters nor 4 bits touch it. */
  readonly weight: Parameter
  /** Experts a token. */
  readonly picks: Axis
}

/** Declares experts as wide as `m`. Throws `Refusal` for widths that the grouped product does not take. */
export function declareExperts(
  b: Builder,
  path: string,
  [experts, h, m]: readonly [Axis, Axis, Axis],
  activation: Activation,
): Experts {
  const both = axis(`2·${m.name}`, 2 * m.size)
  const gateUp = b.weight(`${path}.gate_up_proj`, [experts, both, h])
  refuseWidths(gateUp.dtype, [h, m])
  return { path, gateUp, down: b.weight(`${path}.down_proj`, [experts, h, m]), activation }
}

export const declareRouter = (b: Builder, path: string, [experts, h]: readonly [Axis, Axis], picks: Axis): Router => ({
  path,
  weight: b.weight(`${path}.weight`, [experts, h]),
  picks,
})

/** Rows have to begin at multiples of 16 bytes (aten/src/ATen/native/GroupedMMUtils.h, check_valid_strides_and_return_transposed). */
function refuseWidths(dtype: DType, widths: readonly Axis[]): void {
  const odd = widths.find((w) => (w.size * ITEMSIZE[dtype]) % 16 !== 0)
  if (!odd) return
  const message = `grouped_mm takes rows of multiples of 16 bytes, and ${odd.size} numbers in ${dtype} are ${odd.size * ITEMSIZE[dtype]}`
  throw new Refusal('conflict', odd.name === 'h' ? 'hidden_size' : 'moe_intermediate_size', message, 'Correct it.')
}

/**
 * What PEFT 0.21 takes for linears of transformers 4 and turns into `target_parameters`, by the last part of the target
 * (peft/utils/transformers_weight_conversion.py, _convert_peft_config_moe). An adapter on a parameter makes the whole parameter
 * again with its product added (peft/tuners/lora/layer.py, ParamWrapper).
 *
 * @throws Refusal for such a target
 */
export function refuseExpertTargets(b: Builder, converted: readonly string[]): void {
  const target = b.train.adapter?.targets.find((t) => t === 'all-linear' || converted.includes(t.split('.').at(-1)!))
  if (target === undefined) return
  const message = `PEFT turns ${target} into target_parameters here: adapters on the experts' own parameters are not modelled`
  const next = "Name the attention's linears: q_proj, k_proj, v_proj, o_proj."
  throw new Refusal('not-modelled', '--target-modules', message, next)
}

/**
 * transformers 5.23, integrations/moe.py, grouped_mm_experts_forward: x `[n, h]`, each token's experts and their weights `[n, e]` →
 * `[n, h]`. Pairs of a token and an expert are sorted by the expert, so that no shape depends on the routing.
 */
export function groupedExperts<T extends Tensor>(o: Shorthand<T>, m: Experts, x: T, picked: T, weights: T): T {
  const [tokens, h, picks] = [x.axes[0]!, x.axes[1]!, picked.axes[1]!]
  const pairs = merge([tokens, picks])
  return o.module(m.path, [x, picked, weights], (s) => {
    const sampleWeights = s.let(o.reshape(weights, [pairs]))
    const ids = s.let(o.reshape(picked, [pairs]))
    const [sorted, order] = o.runAll('sort', [ids], {}) as readonly [T, T]
    for (const t of [sorted, order]) s.let(t)
    const rows = s.let(o.run('index', [x, o.run('floor_divide', [order], { by: picks.size })], {}))
    const rowWeights = s.let(o.run('index', [sampleWeights, order], {}))
    const counted = s.let(o.to(sorted, 'int32'))
    const counts = s.let(o.run('histc', [counted], { bins: m.gateUp.axes[0]! }))
    const offsets = s.let(o.run('cumsum', [counts], {}))
    let out = s.let(groupedLinear(o, rows, m.gateUp, offsets))
    out = s.set(out, gated(o, m, out))
    out = s.set(out, groupedLinear(o, out, m.down, offsets))
    let weighted = s.let(o.mul(out, o.unsqueeze(rowWeights, 1)))
    const inverse = s.let(o.run('inverse_permutation', [order], {}))
    weighted = s.set(weighted, o.run('index', [weighted, inverse], {}))
    const final = s.let(o.sum(o.view(weighted, [tokens, picks, h]), 1))
    return o.to(final, x.dtype)
  })
}

/** `_grouped_linear`: in the weight's type, which autocast does not change. */
const groupedLinear = <T extends Tensor>(o: Shorthand<T>, x: T, weight: Parameter, offsets: T): T =>
  o.call([x, offsets], () =>
    o.run('grouped_mm', [o.to(x, weight.dtype), o.transpose(o.parameter(weight), 1, 2), offsets], {}),
  )

/** `_default_apply_gate` */
function gated<T extends Tensor>(o: Shorthand<T>, m: Experts, both: T): T {
  return o.call([both], (s) => {
    const wide = m.down.axes[2]!
    const [gate, up] = o.split(both, 1, [wide, wide]) as readonly [T, T]
    for (const t of [gate, up]) s.let(t)
    return o.mul(activation(o, `${m.path}.act_fn`, m.activation, gate), up)
  })
}
