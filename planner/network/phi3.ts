import type { Phi3Spec } from '../../models/spec.ts'
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
import { type RmsNorm, rmsNorm } from './norm.ts'
import { applyPartialRotary } from './rotary.ts'
import { type Around, declareRotary, rotaryDecoder } from './rotary-decoder.ts'
import { planOf } from './tensor-parallel.ts'

interface Layer {
  readonly path: string
  readonly output: Linear
  readonly qkv: Linear
  readonly gateUp: Linear
  readonly down: Linear
  readonly inputNorm: RmsNorm
  readonly postNorm: RmsNorm
}

/** modeling_phi3.py: LLaMA's decoder with q, k and v in one linear, gate and up in another, and dropout before each residual. */
export function phi3(spec: Phi3Spec, train: TrainSpec, library: Library): Network {
  const b = new Builder(train, library, planOf(spec, train))
  const [h, f, vocab] = [axis('h', spec.hidden), axis('f', spec.intermediate), axis('V', spec.vocab)]
  const [batch, tokens, d] = [axis('b', train.batch), axis('t', train.tokens), axis('d', spec.headDim)]
  const [heads, kvHeads] = [axis('a', spec.heads), axis('k', spec.kvHeads)]
  const [query, keyValue] = [spec.heads * spec.headDim, spec.kvHeads * spec.headDim]
  const attended = query === spec.hidden ? h : axis('a·d', query)
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
      output: b.linear(`${path}.self_attn.o_proj`, attended, h),
      qkv: b.linear(`${path}.self_attn.qkv_proj`, h, axis('a·d+2·k·d', query + 2 * keyValue)),
      gateUp: b.linear(`${path}.mlp.gate_up_proj`, h, axis('2·f', 2 * spec.intermediate)),
      down: b.linear(`${path}.mlp.down_proj`, f, h),
      inputNorm: rms(`${path}.input_layernorm`),
      postNorm: rms(`${path}.post_attention_layernorm`),
    }
  }

  function attention<T extends Tensor>(o: Shorthand<T>, m: Layer, x: T, { mask, cos, sin }: Around<T>): readonly T[] {
    return o.module(`${m.path}.self_attn`, [x], (s) => {
      const qkv = s.let(linear(o, m.qkv, x))
      let q = s.let(o.slice(qkv, 2, 0, query, 'a·d'))
      let k = s.let(o.slice(qkv, 2, query, keyValue, 'k·d'))
      let v = s.let(o.slice(qkv, 2, query + keyValue, keyValue, 'k·d'))
      const split = (y: T, n: Axis): T => s.set(y, o.transpose(o.view(y, [batch, tokens, n, d]), 1, 2))
      q = split(q, heads)
      k = split(k, kvHeads)
      v = split(v, kvHeads)
      const [turnedQ, turnedK] = applyPartialRotary(o, q, k, cos, sin, 'apart')
      q = s.set(q, turnedQ)
      k = s.set(k, turnedK)
      const call = { q, k, v, mask, dropout: spec.attentionDropout, scale: spec.headDim ** -0.5 }
      const out = attentionOf(train, library)(o, { ...call, causal: true, window: spec.slidingWindow, upcast: true }, s)
      return joinHeads(o, s, out, [batch, tokens, attended], m.output)
    })
  }

  function mlp<T extends Tensor>(o: Shorthand<T>, m: Layer, x: T): T {
    const path = `${m.path}.mlp`
    return o.module(path, [x], (s) => {
      const both = s.let(linear(o, m.gateUp, x))
      const [gate, upper] = o.split(both, 2, [f, f]) as readonly [T, T]
      s.let(gate)
      let up = s.set(both, upper)
      up = s.set(up, o.mul(up, activation(o, `${path}.activation_fn`, spec.activation, gate)))
      return linear(o, m.down, up)
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
        const [out, weights] = attention(o, m, x, around)
        x = s.set(x, out!)
        if (weights) s.let(weights)
        x = s.set(x, o.add(residual, dropout(o, `${m.path}.resid_attn_dropout`, spec.residualDropout, x)))
        residual = s.set(residual, x)
        x = s.set(x, rmsNorm(o, m.postNorm, x))
        x = s.set(x, mlp(o, m, x))
        x = s.set(x, o.add(residual, dropout(o, `${m.path}.resid_mlp_dropout`, spec.residualDropout, x)))
        return x
      }),
  })
}
