import type { Qwen3MoeSpec } from '../../models/spec.ts'
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

/** Qwen3MoeSparseMoeBlock */
interface Sparse {
  readonly path: string
  readonly experts: Experts
  readonly router: Router
}

interface Layer {
  readonly path: string
  readonly attention: GroupedAttention
  readonly qNorm: RmsNorm
  readonly kNorm: RmsNorm
  readonly mlp: { readonly sparse: Sparse } | { readonly plain: GatedMlp }
  readonly inputNorm: RmsNorm
  readonly postNorm: RmsNorm
}

/** modeling_qwen3_moe.py: Qwen3 with a block of experts in place of some or all layers' MLP. */
export function qwen3Moe(spec: Qwen3MoeSpec, train: TrainSpec, library: Library): Network {
  const b = new Builder(train, library)
  refuseExpertTargets(b, ['gate', 'gate_proj', 'up_proj', 'down_proj'])
  const [h, f, vocab] = [axis('h', spec.hidden), axis('f', spec.intermediate), axis('V', spec.vocab)]
  const [experts, picks, wide] = [axis('E', spec.experts), axis('e', spec.expertsPerToken), axis('m', spec.expertWidth)]
  const axes = headAxes(spec, train)
  const weight = b.table('model.embed_tokens.weight', [vocab, h])
  const layers = Array.from({ length: spec.layers }, (_, i) => layer(`model.layers.${i}`, i))
  const norm = rms('model.norm')
  const rotary = declareRotary(b, 'model.rotary_emb', spec.rotaryWidth, spec.ropeTheta)
  const head = b.linear('lm_head', h, vocab, { head: 'vocabulary', ...(spec.tied ? { tied: weight } : {}) })

  function rms(path: string, width: Axis = h): RmsNorm {
    return { path, weight: b.weight(`${path}.weight`, [width]), eps: spec.normEps }
  }

  function layer(path: string, i: number): Layer {
    return {
      path,
      attention: declareGroupedAttention(b, `${path}.self_attn`, h, axes, { bias: spec.attentionBias }),
      qNorm: rms(`${path}.self_attn.q_norm`, axes.d),
      kNorm: rms(`${path}.self_attn.k_norm`, axes.d),
      mlp:
        spec.kinds[i % spec.kinds.length] === 'experts'
          ? { sparse: sparse(`${path}.mlp`) }
          : { plain: declareGatedMlp(b, `${path}.mlp`, [h, f], { activation: spec.activation }) },
      inputNorm: rms(`${path}.input_layernorm`),
      postNorm: rms(`${path}.post_attention_layernorm`),
    }
  }

  function sparse(path: string): Sparse {
    return {
      path,
      experts: declareExperts(b, `${path}.experts`, [experts, h, wide], spec.activation),
      router: declareRouter(b, `${path}.gate`, [experts, h], picks),
    }
  }

  function attention<T extends Tensor>(o: Shorthand<T>, m: Layer, x: T, around: Around<T>): readonly T[] {
    const { path, q, k, v } = m.attention
    return o.module(path, [x], (s) => {
      const normed = (y: T, n: Axis, rows: RmsNorm): T => splitHeads(o, axes, y, n, (apart) => rmsNorm(o, rows, apart))
      const query = s.let(normed(linear(o, q, x), axes.heads, m.qNorm))
      const key = s.let(normed(linear(o, k, x), axes.kvHeads, m.kNorm))
      const value = s.let(splitHeads(o, axes, linear(o, v, x), axes.kvHeads))
      const how = { dropout: spec.attentionDropout, scale: spec.headDim ** -0.5, window: spec.slidingWindow }
      return attendHeads(o, s, m.attention, [query, key, value], around, {
        attend: attentionOf(train, library),
        ...how,
      })
    })
  }

  /** Qwen3MoeTopKRouter.forward: x `[n, h]` → logits `[n, E]`, weights and places `[n, e]`. */
  function router<T extends Tensor>(o: Shorthand<T>, m: Router, given: T): readonly T[] {
    return o.module(m.path, [given], (s) => {
      const x = s.let(o.reshape(given, given.axes))
      const logits = s.let(o.linear(x, o.parameter(m.weight)))
      const probabilities = s.let(o.softmax(logits, 'float32'))
      const [best, places] = o.runAll('topk', [probabilities], { largest: m.picks }) as readonly [T, T]
      for (const t of [best, places]) s.let(t)
      let weights = best
      if (spec.normalizesWeights) weights = s.set(weights, o.run('div_', [weights, o.sum(weights, 1, true)], {}))
      weights = s.set(weights, o.to(weights, logits.dtype))
      return [logits, weights, places]
    })
  }

  /** Qwen3MoeSparseMoeBlock.forward */
  function moe<T extends Tensor>(o: Shorthand<T>, m: Sparse, given: T): T {
    return o.module(m.path, [given], (s) => {
      const x = s.let(o.view(given, [merge([axes.batch, axes.tokens]), h]))
      const [logits, weights, places] = router(o, m.router, x) as readonly [T, T, T]
      for (const t of [logits, weights, places]) s.let(t)
      const final = s.let(groupedExperts(o, m.experts, x, places, weights))
      return o.reshape(final, [axes.batch, axes.tokens, h])
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
        x = s.set(x, 'sparse' in m.mlp ? moe(o, m.mlp.sparse, x) : gatedMlp(o, m.mlp.plain, x))
        x = s.set(x, o.add(residual, x))
        return x
      }),
  })
}
