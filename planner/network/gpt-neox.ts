import type { GptNeoXSpec } from '../../models/spec.ts'
import type { Shorthand, Tensor } from '../ops/ops.ts'
import { axis } from '../trace/axes.ts'
import type { TrainSpec } from '../training/spec.ts'
import { activation } from './activation.ts'
import { attentionOf } from './attention.ts'
import { Builder } from './builder.ts'
import { dropout } from './dropout.ts'
import type { Library } from './library.ts'
import { type Linear, linear } from './linear.ts'
import type { Network } from './network.ts'
import { type LayerNorm, layerNorm } from './norm.ts'
import { applyPartialRotary } from './rotary.ts'
import { type Around, declareRotary, rotaryDecoder } from './rotary-decoder.ts'

interface Layer {
  readonly path: string
  readonly inputNorm: LayerNorm
  readonly postNorm: LayerNorm
  readonly qkv: Linear
  readonly dense: Linear
  readonly up: Linear
  readonly down: Linear
}

/** modeling_gpt_neox.py (Pythia): attention and MLP side by side, q, k and v interleaved by head, a part of each head turned. */
export function gptNeoX(spec: GptNeoXSpec, train: TrainSpec, library: Library): Network {
  const b = new Builder(train, library)
  const [h, f, vocab] = [axis('h', spec.hidden), axis('f', spec.intermediate), axis('V', spec.vocab)]
  const [batch, tokens] = [axis('b', train.batch), axis('t', train.tokens)]
  const [heads, d] = [axis('a', spec.heads), axis('d', spec.hidden / spec.heads)]
  const weight = b.weight('gpt_neox.embed_in.weight', [vocab, h])
  const layers = Array.from({ length: spec.layers }, (_, i) => layer(`gpt_neox.layers.${i}`))
  const finalNorm = norm('gpt_neox.final_layer_norm')
  const rotary = declareRotary(b, 'gpt_neox.rotary_emb', spec.rotaryWidth, spec.ropeTheta)
  const head = b.linear('lm_head', h, vocab, { head: 'vocabulary', ...(spec.tied ? { tied: weight } : {}) })

  function norm(path: string): LayerNorm {
    return { path, weight: b.weight(`${path}.weight`, [h]), bias: b.weight(`${path}.bias`, [h]), eps: spec.normEps }
  }

  function layer(path: string): Layer {
    const bias = { bias: spec.attentionBias }
    return {
      path,
      inputNorm: norm(`${path}.input_layernorm`),
      postNorm: norm(`${path}.post_attention_layernorm`),
      qkv: b.linear(`${path}.attention.query_key_value`, h, axis('3·h', 3 * spec.hidden), bias),
      dense: b.linear(`${path}.attention.dense`, h, h, bias),
      up: b.linear(`${path}.mlp.dense_h_to_4h`, h, f, { bias: true }),
      down: b.linear(`${path}.mlp.dense_4h_to_h`, f, h, { bias: true }),
    }
  }

  function attention<T extends Tensor>(o: Shorthand<T>, m: Layer, x: T, { mask, cos, sin }: Around<T>): readonly T[] {
    return o.module(`${m.path}.attention`, [x], (s) => {
      const apart = o.view(linear(o, m.qkv, x), [batch, tokens, heads, axis('3·d', 3 * d.size)])
      const qkv = s.let(o.transpose(apart, 1, 2))
      let [q, k, v] = o.split(qkv, 3, [d, d, d]) as readonly [T, T, T]
      q = s.let(q)
      k = s.let(k)
      v = s.let(v)
      const [turnedQ, turnedK] = applyPartialRotary(o, q, k, cos, sin, 'together')
      q = s.set(q, turnedQ)
      k = s.set(k, turnedK)
      const call = { q, k, v, mask, dropout: spec.attentionDropout, scale: d.size ** -0.5 }
      const [out, weights] = attentionOf(train, library)(o, { ...call, causal: true, upcast: true }, s)
      let result = s.let(out)
      if (weights) s.let(weights)
      result = s.set(result, o.contiguous(o.reshape(result, [batch, tokens, h])))
      result = s.set(result, linear(o, m.dense, result))
      return weights ? [result, weights] : [result]
    })
  }

  function mlp<T extends Tensor>(o: Shorthand<T>, m: Layer, given: T): T {
    const path = `${m.path}.mlp`
    return o.module(path, [given], (s) => {
      let x = s.let(linear(o, m.up, given))
      x = s.set(x, activation(o, `${path}.act`, spec.activation, x))
      x = s.set(x, linear(o, m.down, x))
      return x
    })
  }

  return rotaryDecoder({
    train,
    builder: b,
    path: 'gpt_neox',
    embedding: { path: 'gpt_neox.embed_in', weight },
    dropout: { path: 'gpt_neox.emb_dropout', p: spec.hiddenDropout, apart: true },
    rotaries: [rotary],
    windows: [null],
    vocab,
    layers: layers.map((m) => m.path),
    head,
    norm: (o, x) => layerNorm(o, finalNorm, x),
    layer: (o, i, input, around) =>
      o.call([], (s) => {
        const m = layers[i]!
        const x = s.let(input)
        const dropped = (name: string, y: typeof x) => dropout(o, `${m.path}.${name}`, spec.hiddenDropout, y)
        const [out, weights] = attention(o, m, layerNorm(o, m.inputNorm, x), around)
        let attended = s.let(out!)
        if (weights) s.let(weights)
        attended = s.set(attended, dropped('post_attention_dropout', attended))
        if (!spec.parallelResidual) attended = s.set(attended, o.add(attended, x))
        let inner = s.let(mlp(o, m, layerNorm(o, m.postNorm, spec.parallelResidual ? x : attended)))
        inner = s.set(inner, dropped('post_mlp_dropout', inner))
        const sum = o.add(inner, attended)
        return s.set(x, spec.parallelResidual ? o.add(sum, x) : sum)
      }),
  })
}
