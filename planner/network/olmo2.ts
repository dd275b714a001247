import type { Olmo2Spec } from '../../models/spec.ts'
import type { Shorthand, Tensor } from '../ops/ops.ts'
import { type Axis, axis } from '../trace/axes.ts'
import type { TrainSpec } from '../training/spec.ts'
import { attentionOf } from './attention.ts'
import { Builder } from './builder.ts'
import { declareGatedMlp, type GatedMlp, gatedMlp } from './gated-mlp.ts'
import {
  attendHeads,
  declareGroupedAttention,
  type GroupedAttention,
  headAxes,
  splitHeads,
} from './grouped-attention.ts'
import type { Library } from './library.ts'
import { linear } from './linear.ts'
import type { Network } from './network.ts'
import { olmoNorm, type RmsNorm } from './norm.ts'
import { applyWideRotary } from './rotary.ts'
import { type Around, declareRotary, rotaryDecoder } from './rotary-decoder.ts'
import { planOf } from './tensor-parallel.ts'

interface Layer {
  readonly path: string
  readonly attention: GroupedAttention
  /** Over all heads of queries and keys at once. */
  readonly queryNorm: RmsNorm
  readonly keyNorm: RmsNorm
  readonly mlp: GatedMlp
  readonly postAttentionNorm: RmsNorm
  readonly postMlpNorm: RmsNorm
}

/** modeling_olmo2.py: norms after attention and MLP, before the residual is added, and tables of angles that stay in float32. */
export function olmo2(spec: Olmo2Spec, train: TrainSpec, library: Library): Network {
  const b = new Builder(train, library, planOf(spec, train))
  const [h, f, vocab] = [axis('h', spec.hidden), axis('f', spec.intermediate), axis('V', spec.vocab)]
  const axes = headAxes(spec, train)
  const weight = b.table('model.embed_tokens.weight', [vocab, h])
  const layers = Array.from({ length: spec.layers }, (_, i) => layer(`model.layers.${i}`))
  const norm = rms('model.norm')
  const rotary = declareRotary(b, 'model.rotary_emb', spec.rotaryWidth, spec.ropeTheta)
  const head = b.linear('lm_head', h, vocab, { head: 'vocabulary', ...(spec.tied ? { tied: weight } : {}) })

  function rms(path: string, width: Axis = h): RmsNorm {
    return { path, weight: b.weight(`${path}.weight`, [width]), eps: spec.normEps }
  }

  function layer(path: string): Layer {
    const at = `${path}.self_attn`
    return {
      path,
      attention: declareGroupedAttention(b, at, h, axes, { bias: spec.attentionBias }),
      queryNorm: rms(`${at}.q_norm`, axes.query),
      keyNorm: rms(`${at}.k_norm`, axes.keyValue),
      mlp: declareGatedMlp(b, `${path}.mlp`, [h, f], { activation: spec.activation }),
      postAttentionNorm: rms(`${path}.post_attention_layernorm`),
      postMlpNorm: rms(`${path}.post_feedforward_layernorm`),
    }
  }

  function attention<T extends Tensor>(o: Shorthand<T>, m: Layer, x: T, around: Around<T>): readonly T[] {
    const { path, q, k, v } = m.attention
    return o.module(path, [x], (s) => {
      let query = s.let(olmoNorm(o, m.queryNorm, linear(o, q, x)))
      let key = s.let(olmoNorm(o, m.keyNorm, linear(o, k, x)))
      let value = s.let(linear(o, v, x))
      const split = (y: T, n: Axis): T => s.set(y, splitHeads(o, axes, y, n))
      query = split(query, axes.heads)
      key = split(key, axes.kvHeads)
      value = split(value, axes.kvHeads)
      const how = { dropout: spec.attentionDropout, scale: spec.headDim ** -0.5, rotate: applyWideRotary }
      const attend = attentionOf(train, library)
      return attendHeads(o, s, m.attention, [query, key, value], around, { attend, ...how })
    })
  }

  return rotaryDecoder({
    train,
    builder: b,
    path: 'model',
    embedding: { path: 'model.embed_tokens', weight },
    dropout: null,
    rotaries: [{ ...rotary, dtype: 'float32' }],
    windows: [null],
    vocab,
    layers: layers.map((m) => m.path),
    head,
    norm: (o, x) => olmoNorm(o, norm, x),
    layer: (o, i, input, around) =>
      o.call([], (s) => {
        const m = layers[i]!
        let x = s.let(input)
        let residual = s.let(x)
        const [attended, weights] = attention(o, m, x, around)
        x = s.set(x, attended!)
        if (weights) s.let(weights)
        x = s.set(x, olmoNorm(o, m.postAttentionNorm, x))
        x = s.set(x, o.add(residual, x))
        residual = s.set(residual, x)
        x = s.set(x, gatedMlp(o, m.mlp, x))
        x = s.set(x, olmoNorm(o, m.postMlpNorm, x))
        x = s.set(x, o.add(residual, x))
        return x
      }),
  })
}
