import type { PhiSpec } from '../../models/spec.ts'
import type { Shorthand, Tensor } from '../ops/ops.ts'
import { type Axis, axis } from '../trace/axes.ts'
import type { TrainSpec } from '../training/spec.ts'
import { activation } from './activation.ts'
import { attentionOf, joinHeads } from './attention.ts'
import { Builder } from './builder.ts'
import { dropout } from './dropout.ts'
import type { Library } from './library.ts'
import { type Linear, linear } from './linear.ts'
import type { Network } from './network.ts'
import { type LayerNorm, layerNorm } from './norm.ts'
import { applyRotary, parted, whole } from './rotary.ts'
import { type Around, declareRotary, rotaryDecoder } from './rotary-decoder.ts'

interface Layer {
  readonly path: string
  readonly q: Linear
  readonly k: Linear
  readonly v: Linear
  readonly dense: Linear
  readonly fc1: Linear
  readonly fc2: Linear
  readonly inputNorm: LayerNorm
}

/** modeling_phi.py (Phi-1, Phi-2): one norm for attention and MLP, which run side by side; a part of each head turned. */
export function phi(spec: PhiSpec, train: TrainSpec, library: Library): Network {
  const b = new Builder(train, library)
  const [h, f, vocab] = [axis('h', spec.hidden), axis('f', spec.intermediate), axis('V', spec.vocab)]
  const [batch, tokens, d] = [axis('b', train.batch), axis('t', train.tokens), axis('d', spec.headDim)]
  const [heads, kvHeads] = [axis('a', spec.heads), axis('k', spec.kvHeads)]
  const keyValue = spec.kvHeads === spec.heads ? h : axis('k·d', spec.kvHeads * spec.headDim)
  const bias = { bias: true }
  const weight = b.weight('model.embed_tokens.weight', [vocab, h])
  const layers = Array.from({ length: spec.layers }, (_, i) => layer(`model.layers.${i}`))
  const rotary = declareRotary(b, 'model.rotary_emb', spec.rotaryWidth, spec.ropeTheta)
  const finalNorm = norm('model.final_layernorm')
  const head = b.linear('lm_head', h, vocab, { head: 'vocabulary', ...bias, ...(spec.tied ? { tied: weight } : {}) })

  function norm(path: string): LayerNorm {
    return { path, weight: b.weight(`${path}.weight`, [h]), bias: b.weight(`${path}.bias`, [h]), eps: spec.normEps }
  }

  function layer(path: string): Layer {
    return {
      path,
      q: b.linear(`${path}.self_attn.q_proj`, h, h, bias),
      k: b.linear(`${path}.self_attn.k_proj`, h, keyValue, bias),
      v: b.linear(`${path}.self_attn.v_proj`, h, keyValue, bias),
      dense: b.linear(`${path}.self_attn.dense`, h, h, bias),
      fc1: b.linear(`${path}.mlp.fc1`, h, f, bias),
      fc2: b.linear(`${path}.mlp.fc2`, f, h, bias),
      inputNorm: norm(`${path}.input_layernorm`),
    }
  }

  function attention<T extends Tensor>(o: Shorthand<T>, m: Layer, x: T, { mask, cos, sin }: Around<T>): readonly T[] {
    return o.module(`${m.path}.self_attn`, [x], (s) => {
      const split = (y: T, n: Axis): T => o.transpose(o.view(y, [batch, tokens, n, d]), 1, 2)
      let q = s.let(split(linear(o, m.q, x), heads))
      let k = s.let(split(linear(o, m.k, x), kvHeads))
      const v = s.let(split(linear(o, m.v, x), kvHeads))
      let [qTurns, qPasses] = parted(o, q, spec.rotaryWidth)
      qTurns = s.let(qTurns)
      qPasses = s.let(qPasses)
      let [kTurns, kPasses] = parted(o, k, spec.rotaryWidth)
      kTurns = s.let(kTurns)
      kPasses = s.let(kPasses)
      const [turnedQ, turnedK] = applyRotary(o, qTurns, kTurns, cos, sin)
      qTurns = s.set(qTurns, turnedQ)
      kTurns = s.set(kTurns, turnedK)
      q = s.set(q, whole(o, qTurns, qPasses))
      k = s.set(k, whole(o, kTurns, kPasses))
      const call = { q, k, v, mask, dropout: spec.attentionDropout, scale: spec.headDim ** -0.5 }
      const out = attentionOf(train, library)(o, { ...call, causal: true, upcast: true }, s)
      return joinHeads(o, s, out, [batch, tokens, h], m.dense)
    })
  }

  function mlp<T extends Tensor>(o: Shorthand<T>, m: Layer, given: T): T {
    const path = `${m.path}.mlp`
    return o.module(path, [given], (s) => {
      let x = s.let(linear(o, m.fc1, given))
      x = s.set(x, activation(o, `${path}.activation_fn`, spec.activation, x))
      x = s.set(x, linear(o, m.fc2, x))
      return x
    })
  }

  return rotaryDecoder({
    train,
    builder: b,
    path: 'model',
    embedding: { path: 'model.embed_tokens', weight },
    dropout: { path: 'model.embed_dropout', p: spec.embeddingDropout, apart: false },
    rotaries: [rotary],
    windows: [null],
    vocab,
    layers: layers.map((m) => m.path),
    head,
    norm: (o, x) => layerNorm(o, finalNorm, x),
    layer: (o, i, input, around) =>
      o.call([], (s) => {
        const m = layers[i]!
        let x = s.let(input)
        const residual = s.let(x)
        const dropped = (y: typeof x) => dropout(o, `${m.path}.resid_dropout`, spec.residualDropout, y)
        x = s.set(x, layerNorm(o, m.inputNorm, x))
        const [out, weights] = attention(o, m, x, around)
        let attended = s.let(out!)
        if (weights) s.let(weights)
        attended = s.set(attended, dropped(attended))
        const inner = s.let(dropped(mlp(o, m, x)))
        return s.set(x, o.add(o.add(attended, inner), residual))
      }),
  })
}
