import type { StableLmSpec } from '../../models/spec.ts'
import type { Shorthand, Tensor } from '../ops/ops.ts'
import { type Axis, axis } from '../trace/axes.ts'
import type { TrainSpec } from '../training/spec.ts'
import { attentionOf } from './attention.ts'
import { Builder } from './builder.ts'
import { dropout } from './dropout.ts'
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
import { type LayerNorm, layerNorm } from './norm.ts'
import { applyRotary, parted, whole } from './rotary.ts'
import { type Around, declareRotary, rotaryDecoder } from './rotary-decoder.ts'

interface Layer {
  readonly path: string
  readonly attention: GroupedAttention
  readonly mlp: GatedMlp
  readonly inputNorm: LayerNorm
  /** None where attention and MLP stand side by side. */
  readonly postNorm: LayerNorm | null
}

/** modeling_stablelm.py: layer norms, and the first columns of each head turn. */
export function stableLm(spec: StableLmSpec, train: TrainSpec, library: Library): Network {
  const b = new Builder(train, library)
  const [h, f, vocab] = [axis('h', spec.hidden), axis('f', spec.intermediate), axis('V', spec.vocab)]
  const axes = headAxes(spec, train)
  const weight = b.weight('model.embed_tokens.weight', [vocab, h])
  const layers = Array.from({ length: spec.layers }, (_, i) => layer(`model.layers.${i}`))
  const finalNorm = norm('model.norm')
  const rotary = declareRotary(b, 'model.rotary_emb', spec.rotaryWidth, spec.ropeTheta)
  const head = b.linear('lm_head', h, vocab, { head: 'vocabulary', ...(spec.tied ? { tied: weight } : {}) })

  function norm(path: string): LayerNorm {
    return { path, weight: b.weight(`${path}.weight`, [h]), bias: b.weight(`${path}.bias`, [h]), eps: spec.normEps }
  }

  function layer(path: string): Layer {
    const biases = { bias: spec.qkvBias, outputBias: false }
    return {
      path,
      attention: declareGroupedAttention(b, `${path}.self_attn`, h, axes, biases),
      mlp: declareGatedMlp(b, `${path}.mlp`, [h, f], { activation: spec.activation }),
      inputNorm: norm(`${path}.input_layernorm`),
      postNorm: spec.parallelResidual ? null : norm(`${path}.post_attention_layernorm`),
    }
  }

  function attention<T extends Tensor>(o: Shorthand<T>, m: Layer, x: T, around: Around<T>): readonly T[] {
    const { path, q, k, v } = m.attention
    return o.module(path, [x], (s) => {
      let query = s.let(linear(o, q, x))
      let key = s.let(linear(o, k, x))
      let value = s.let(linear(o, v, x))
      const split = (y: T, n: Axis): T => s.set(y, splitHeads(o, axes, y, n))
      query = split(query, axes.heads)
      key = split(key, axes.kvHeads)
      value = split(value, axes.kvHeads)
      let [queryTurns, queryPasses] = parted(o, query, spec.rotaryWidth)
      queryTurns = s.let(queryTurns)
      queryPasses = s.let(queryPasses)
      let [keyTurns, keyPasses] = parted(o, key, spec.rotaryWidth)
      keyTurns = s.let(keyTurns)
      keyPasses = s.let(keyPasses)
      const [turnedQuery, turnedKey] = applyRotary(o, queryTurns, keyTurns, around.cos, around.sin)
      queryTurns = s.set(queryTurns, turnedQuery)
      keyTurns = s.set(keyTurns, turnedKey)
      query = s.set(query, whole(o, queryTurns, queryPasses))
      key = s.set(key, whole(o, keyTurns, keyPasses))
      const how = { dropout: spec.attentionDropout, scale: spec.headDim ** -0.5, rotate: null }
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
    rotaries: [rotary],
    windows: [null],
    vocab,
    layers: layers.map((m) => m.path),
    head,
    norm: (o, x) => layerNorm(o, finalNorm, x),
    layer: (o, i, input, around) =>
      o.call([], (s) => {
        const m = layers[i]!
        const dropped = (y: typeof x) => dropout(o, `${m.path}.dropout`, spec.hiddenDropout, y)
        let x = s.let(input)
        let residual = s.let(x)
        x = s.set(x, layerNorm(o, m.inputNorm, x))
        const [out, weights] = attention(o, m, x, around)
        const attended = s.let(out!)
        if (weights) s.let(weights)
        if (!m.postNorm) {
          let inner = s.let(gatedMlp(o, m.mlp, x))
          inner = s.set(inner, dropped(inner))
          return s.set(x, o.add(o.add(residual, attended), inner))
        }
        residual = s.set(residual, o.add(residual, attended))
        let inner = s.let(gatedMlp(o, m.mlp, layerNorm(o, m.postNorm, residual)))
        inner = s.set(inner, dropped(inner))
        return s.set(x, o.add(residual, inner))
      }),
  })
}
