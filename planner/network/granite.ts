import type { GraniteSpec } from '../../models/spec.ts'
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
import { type RmsNorm, rmsNorm } from './norm.ts'
import { type Around, declareRotary, rotaryDecoder } from './rotary-decoder.ts'
import { planOf } from './tensor-parallel.ts'

interface Layer {
  readonly path: string
  readonly attention: GroupedAttention
  readonly mlp: GatedMlp
  readonly inputNorm: RmsNorm
  readonly postNorm: RmsNorm
}

/** modeling_granite.py: LLaMA with multipliers on embeddings, scores, residuals and logits. */
export function granite(spec: GraniteSpec, train: TrainSpec, library: Library): Network {
  const b = new Builder(train, library, planOf(spec, train))
  const [h, f, vocab] = [axis('h', spec.hidden), axis('f', spec.intermediate), axis('V', spec.vocab)]
  const axes = headAxes(spec, train)
  const weight = b.table('model.embed_tokens.weight', [vocab, h])
  const layers = Array.from({ length: spec.layers }, (_, i) => layer(`model.layers.${i}`))
  const norm = rms('model.norm')
  const rotary = declareRotary(b, 'model.rotary_emb', spec.rotaryWidth, spec.ropeTheta)
  const head = b.linear('lm_head', h, vocab, { head: 'vocabulary', ...(spec.tied ? { tied: weight } : {}) })

  function rms(path: string): RmsNorm {
    return { path, weight: b.weight(`${path}.weight`, [h]), eps: spec.normEps }
  }

  function layer(path: string): Layer {
    return {
      path,
      attention: declareGroupedAttention(b, `${path}.self_attn`, h, axes, { bias: spec.attentionBias }),
      mlp: declareGatedMlp(b, `${path}.mlp`, [h, f], { activation: spec.activation, bias: spec.mlpBias }),
      inputNorm: rms(`${path}.input_layernorm`),
      postNorm: rms(`${path}.post_attention_layernorm`),
    }
  }

  function attention<T extends Tensor>(o: Shorthand<T>, m: Layer, x: T, around: Around<T>): readonly T[] {
    const { path, q, k, v } = m.attention
    return o.module(path, [x], (s) => {
      const split = (y: T, n: Axis): T => s.let(splitHeads(o, axes, y, n))
      const query = split(linear(o, q, x), axes.heads)
      const key = split(linear(o, k, x), axes.kvHeads)
      const value = split(linear(o, v, x), axes.kvHeads)
      const how = { dropout: spec.attentionDropout, scale: spec.attentionMultiplier }
      const attend = attentionOf(train, library)
      return attendHeads(o, s, m.attention, [query, key, value], around, { attend, ...how })
    })
  }

  return rotaryDecoder({
    train,
    builder: b,
    path: 'model',
    embedding: { path: 'model.embed_tokens', weight, multiplier: spec.embeddingMultiplier },
    dropout: null,
    rotaries: [rotary],
    windows: [null],
    vocab,
    layers: layers.map((m) => m.path),
    head,
    finish: (o, s, logits) => s.set(logits, o.divScalar(logits, spec.logitsScaling)),
    norm: (o, x) => rmsNorm(o, norm, x),
    layer: (o, i, input, around) =>
      o.call([], (s) => {
        const m = layers[i]!
        const scaled = (y: typeof x) => o.mulScalar(y, spec.residualMultiplier)
        let x = s.let(input)
        let residual = s.let(x)
        x = s.set(x, rmsNorm(o, m.inputNorm, x))
        const [attended, weights] = attention(o, m, x, around)
        x = s.set(x, attended!)
        if (weights) s.let(weights)
        x = s.set(x, o.add(residual, scaled(x)))
        residual = s.set(residual, x)
        x = s.set(x, rmsNorm(o, m.postNorm, x))
        x = s.set(x, gatedMlp(o, m.mlp, x))
        x = s.set(x, o.add(residual, scaled(x)))
        return x
      }),
  })
}
