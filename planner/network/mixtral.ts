import type { MixtralSpec } from '../../models/spec.ts'
import type { Shorthand, Tensor } from '../ops/ops.ts'
import { type Axis, axis, merge } from '../trace/axes.ts'
import type { TrainSpec } from '../training/spec.ts'
import { attentionOf } from './attention.ts'
import { Builder } from './builder.ts'
import {
  declareExperts,
  declareRouter,
  type Experts,
  groupedExperts,
  type Router,
  refuseExpertTargets,
} from './experts.ts'
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

interface Layer {
  readonly path: string
  readonly attention: GroupedAttention
  readonly router: Router
  readonly experts: Experts
  readonly inputNorm: RmsNorm
  readonly postNorm: RmsNorm
}

/** modeling_mixtral.py: Mistral with a block of experts in place of the MLP. */
export function mixtral(spec: MixtralSpec, train: TrainSpec, library: Library): Network {
  const b = new Builder(train, library)
  refuseExpertTargets(b, ['gate', 'w1', 'w2', 'w3'])
  const [h, f, vocab] = [axis('h', spec.hidden), axis('f', spec.intermediate), axis('V', spec.vocab)]
  const [experts, picks] = [axis('E', spec.experts), axis('e', spec.expertsPerToken)]
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
      attention: declareGroupedAttention(b, `${path}.self_attn`, h, axes, { bias: false }),
      router: declareRouter(b, `${path}.mlp.gate`, [experts, h], picks),
      experts: declareExperts(b, `${path}.mlp.experts`, [experts, h, f], spec.activation),
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
      const how = { dropout: spec.attentionDropout, scale: spec.headDim ** -0.5, window: spec.slidingWindow }
      return attendHeads(o, s, m.attention, [query, key, value], around, {
        attend: attentionOf(train, library),
        ...how,
      })
    })
  }

  /** MixtralTopKRouter.forward: x `[n, h]` → logits `[n, E]`, weights in float32 and places `[n, e]`. */
  function router<T extends Tensor>(o: Shorthand<T>, m: Router, given: T): readonly T[] {
    return o.module(m.path, [given], (s) => {
      const x = s.let(o.reshape(given, given.axes))
      const logits = s.let(o.linear(x, o.parameter(m.weight)))
      const probabilities = s.let(o.softmax(o.to(logits, 'float32')))
      const [best, places] = o.runAll('topk', [probabilities], { largest: m.picks }) as readonly [T, T]
      for (const t of [best, places]) s.let(t)
      const weights = s.set(best, o.run('div_', [best, o.sum(best, 1, true)], {}))
      return [logits, weights, places]
    })
  }

  /** MixtralSparseMoeBlock.forward */
  function moe<T extends Tensor>(o: Shorthand<T>, m: Layer, given: T): T {
    return o.module(`${m.path}.mlp`, [given], (s) => {
      let x = s.let(o.view(given, [merge([axes.batch, axes.tokens]), h]))
      const [logits, weights, places] = router(o, m.router, x) as readonly [T, T, T]
      for (const t of [logits, weights, places]) s.let(t)
      x = s.set(x, groupedExperts(o, m.experts, x, places, weights))
      return s.set(x, o.reshape(x, [axes.batch, axes.tokens, h]))
    })
  }

  return rotaryDecoder({
    train,
    builder: b,
    path: 'model',
    embedding: { path: 'model.embed_tokens', weight },
    dropout: null,
    rotaries: [rotary],
    windows: [spec.slidingWindow],
    vocab,
    layers: layers.map((m) => m.path),
    head,
    norm: (o, x) => rmsNorm(o, norm, x),
    layer: (o, i, input, around) =>
      o.call([], (s) => {
        const m = layers[i]!
        let x = s.let(input)
        let residual = s.let(x)
        x = s.set(x, rmsNorm(o, m.inputNorm, x))
        const [attended, weights] = attention(o, m, x, around)
        x = s.set(x, attended!)
        if (weights) s.let(weights)
        x = s.set(x, o.add(residual, x))
        residual = s.set(residual, x)
        x = s.set(x, rmsNorm(o, m.postNorm, x))
        x = s.set(x, moe(o, m, x))
        x = s.set(x, o.add(residual, x))
        return x
      }),
  })
}
