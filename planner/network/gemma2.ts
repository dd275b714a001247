import type { Gemma2Spec } from '../../models/spec.ts'
import type { Shorthand, Tensor } from '../ops/ops.ts'
import { type Axis, axis } from '../trace/axes.ts'
import type { TrainSpec } from '../training/spec.ts'
import { attentionOf, capped } from './attention.ts'
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
import { gemmaNorm, type RmsNorm } from './norm.ts'
import { type Around, declareRotary, type Rotary, rotaryDecoder } from './rotary-decoder.ts'
import { planOf } from './tensor-parallel.ts'

interface Layer {
  readonly path: string
  /** Null where it sees all that is before it. */
  readonly window: number | null
  readonly attention: GroupedAttention
  /** Of queries and keys, head by head (Gemma 3). */
  readonly headNorms: readonly [q: RmsNorm, k: RmsNorm] | null
  readonly mlp: GatedMlp
  readonly inputNorm: RmsNorm
  readonly postAttentionNorm: RmsNorm
  readonly preMlpNorm: RmsNorm
  readonly postMlpNorm: RmsNorm
}

/**
 * modeling_gemma2.py and modeling_gemma3.py (Gemma3ForCausalLM): norms before and after attention and MLP, a mask for layers that
 * slide and one for those that do not.
 */
export function gemma2(spec: Gemma2Spec, train: TrainSpec, library: Library): Network {
  const b = new Builder(train, library, planOf(spec, train))
  const [h, f, vocab] = [axis('h', spec.hidden), axis('f', spec.intermediate), axis('V', spec.vocab)]
  const axes = headAxes(spec, train)
  const kindOf = (i: number) => spec.kinds[i % spec.kinds.length]!

  const weight = b.table('model.embed_tokens.weight', [vocab, h])
  const root = { kind: 'constant', value: Math.sqrt(spec.hidden) } as const
  const scale = b.buffer('model.embed_tokens.embed_scale', [], train.dtype, root)
  const layers = Array.from({ length: spec.layers }, (_, i) => layer(i))
  const norm = rms('model.norm')
  const [rotaries, rotaryOf] = declareRotaries()
  const head = b.linear('lm_head', h, vocab, { head: 'vocabulary', ...(spec.tied ? { tied: weight } : {}) })

  function rms(path: string, width: Axis = h): RmsNorm {
    return { path, weight: b.weight(`${path}.weight`, [width]), eps: spec.normEps }
  }

  /** One table for all layers, or in Gemma 3 one for each kind that there is. */
  function declareRotaries(): readonly [readonly Rotary[], (layer: number) => number] {
    const declare = (theta: number, kind?: string) =>
      declareRotary(b, 'model.rotary_emb', spec.headDim, theta, kind && `${kind}_`)
    if (spec.slidingTheta === null) return [[declare(spec.ropeTheta)], () => 0]
    const sliding = layers.map((_, i) => kindOf(i).sliding)
    const full = sliding.includes(false) ? [declare(spec.ropeTheta, 'full_attention')] : []
    const near = sliding.includes(true) ? [declare(spec.slidingTheta, 'sliding_attention')] : []
    return [[...full, ...near], (i) => (sliding[i] ? full.length : 0)]
  }

  function layer(i: number): Layer {
    const path = `model.layers.${i}`
    const at = `${path}.self_attn`
    return {
      path,
      window: kindOf(i).sliding ? spec.slidingWindow : null,
      attention: declareGroupedAttention(b, at, h, axes, { bias: spec.attentionBias }),
      headNorms: spec.headNorms ? [rms(`${at}.q_norm`, axes.d), rms(`${at}.k_norm`, axes.d)] : null,
      mlp: declareGatedMlp(b, `${path}.mlp`, [h, f], { activation: spec.activation }),
      inputNorm: rms(`${path}.input_layernorm`),
      postAttentionNorm: rms(`${path}.post_attention_layernorm`),
      preMlpNorm: rms(`${path}.pre_feedforward_layernorm`),
      postMlpNorm: rms(`${path}.post_feedforward_layernorm`),
    }
  }

  function attention<T extends Tensor>(o: Shorthand<T>, m: Layer, x: T, around: Around<T>): readonly T[] {
    const { path, q, k, v } = m.attention
    return o.module(path, [x], (s) => {
      const split = (y: T, n: Axis): T => s.let(splitHeads(o, axes, y, n))
      let query = split(linear(o, q, x), axes.heads)
      let key = split(linear(o, k, x), axes.kvHeads)
      const value = split(linear(o, v, x), axes.kvHeads)
      if (m.headNorms) {
        query = s.set(query, gemmaNorm(o, m.headNorms[0], query))
        key = s.set(key, gemmaNorm(o, m.headNorms[1], key))
      }
      const scaled = { dropout: spec.attentionDropout, scale: spec.queryScale ** -0.5, cap: spec.scoreCap }
      const how = { attend: attentionOf(train, library), ...scaled, window: m.window }
      return attendHeads(o, s, m.attention, [query, key, value], around, how)
    })
  }

  return rotaryDecoder({
    train,
    builder: b,
    path: 'model',
    embedding: { path: 'model.embed_tokens', weight, scale },
    dropout: null,
    rotaries,
    windows: [null, spec.slidingWindow],
    handed: (i) => ({ mask: kindOf(i).sliding ? 1 : 0, rotary: rotaryOf(i) }),
    vocab,
    layers: layers.map((m) => m.path),
    head,
    finish: (o, s, logits) => (spec.logitCap === null ? logits : capped(o, s, logits, spec.logitCap)),
    norm: (o, x) => gemmaNorm(o, norm, x),
    layer: (o, i, input, around) =>
      o.call([], (s) => {
        const m = layers[i]!
        let x = s.let(input)
        let residual = s.let(x)
        x = s.set(x, gemmaNorm(o, m.inputNorm, x))
        const [attended, weights] = attention(o, m, x, around)
        x = s.set(x, attended!)
        if (weights) s.let(weights)
        x = s.set(x, gemmaNorm(o, m.postAttentionNorm, x))
        x = s.set(x, o.add(residual, x))
        residual = s.set(residual, x)
        x = s.set(x, gemmaNorm(o, m.preMlpNorm, x))
        x = s.set(x, gatedMlp(o, m.mlp, x))
        x = s.set(x, gemmaNorm(o, m.postMlpNorm, x))
        x = s.set(x, o.add(residual, x))
        return x
      }),
  })
}
