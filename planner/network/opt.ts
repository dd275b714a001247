import type { OptSpec } from '../../models/spec.ts'
import type { Checkpointing, Shorthand, Tensor } from '../ops/ops.ts'
import { axis } from '../trace/axes.ts'
import type { TrainSpec } from '../training/spec.ts'
import { activation } from './activation.ts'
import { attentionOf } from './attention.ts'
import { Builder } from './builder.ts'
import { embed } from './embedding.ts'
import type { Library } from './library.ts'
import { type Linear, linear } from './linear.ts'
import { causalLoss } from './loss.ts'
import { causalMask } from './mask.ts'
import type { Batch, Network } from './network.ts'
import { type LayerNorm, layerNorm } from './norm.ts'

interface Layer {
  readonly path: string
  readonly checkpointing: Checkpointing
  readonly k: Linear
  readonly v: Linear
  readonly q: Linear
  readonly output: Linear
  readonly attentionNorm: LayerNorm
  readonly fc1: Linear
  readonly fc2: Linear
  readonly finalNorm: LayerNorm
}

/** OPTLearnedPositionalEmbedding: the first two rows of the table are not positions. */
const OFFSET = 2
/** torch.nn.LayerNorm's own. */
const NORM_EPS = 1e-5

/** modeling_opt.py: learned positions counted from a mask, relu, MLP over the flattened batch. */
export function opt(spec: OptSpec, train: TrainSpec, library: Library): Network {
  const b = new Builder(train, library)
  const [h, f, vocab] = [axis('h', spec.hidden), axis('f', spec.intermediate), axis('V', spec.vocab)]
  const e = spec.embedded === spec.hidden ? h : axis('e', spec.embedded)
  const [batch, tokens] = [axis('b', train.batch), axis('t', train.tokens)]
  const [heads, d] = [axis('a', spec.heads), axis('d', spec.hidden / spec.heads)]
  const root = 'model.decoder'
  const words = b.weight(`${root}.embed_tokens.weight`, [vocab, e])
  const places = b.weight(`${root}.embed_positions.weight`, [axis('positions+2', spec.positions + OFFSET), h])
  const out = e === h ? null : b.linear(`${root}.project_out`, h, e)
  const into = e === h ? null : b.linear(`${root}.project_in`, e, h)
  const lastNorm = spec.normBefore ? norm(`${root}.final_layer_norm`) : null
  const layers = Array.from({ length: spec.layers }, (_, i) => layer(`${root}.layers.${i}`))
  const head = b.linear('lm_head', e, vocab, { head: 'vocabulary', ...(spec.tied ? { tied: words } : {}) })

  function norm(path: string): LayerNorm {
    return { path, weight: b.weight(`${path}.weight`, [h]), bias: b.weight(`${path}.bias`, [h]), eps: NORM_EPS }
  }

  function layer(path: string): Layer {
    const bias = { bias: spec.bias }
    return {
      path,
      checkpointing: b.checkpointing(),
      k: b.linear(`${path}.self_attn.k_proj`, h, h, bias),
      v: b.linear(`${path}.self_attn.v_proj`, h, h, bias),
      q: b.linear(`${path}.self_attn.q_proj`, h, h, bias),
      output: b.linear(`${path}.self_attn.out_proj`, h, h, bias),
      attentionNorm: norm(`${path}.self_attn_layer_norm`),
      fc1: b.linear(`${path}.fc1`, h, f, bias),
      fc2: b.linear(`${path}.fc2`, f, h, bias),
      finalNorm: norm(`${path}.final_layer_norm`),
    }
  }

  function attention<T extends Tensor>(o: Shorthand<T>, m: Layer, x: T, mask: T | null): readonly T[] {
    return o.module(`${m.path}.self_attn`, [x], (s) => {
      const split = (y: T): T => s.set(y, o.transpose(o.view(y, [batch, tokens, heads, d]), 1, 2))
      const q = split(s.let(o.mulScalar(linear(o, m.q, x), d.size ** -0.5)))
      let k = s.let(linear(o, m.k, x))
      let v = s.let(linear(o, m.v, x))
      k = split(k)
      v = split(v)
      const call = { q, k, v, mask, dropout: spec.attentionDropout, scale: 1, causal: true, upcast: true }
      const [attended, weights] = attentionOf(train, library)(o, call, s)
      let result = s.let(attended)
      if (weights) s.let(weights)
      result = s.set(result, o.contiguous(o.reshape(result, [batch, tokens, h])))
      result = s.set(result, linear(o, m.output, result))
      return weights ? [result, weights] : [result]
    })
  }

  function layerBody<T extends Tensor>(o: Shorthand<T>, m: Layer, input: T, mask: T | null): T {
    return o.call([], (s) => {
      let x = s.let(input)
      let residual = s.let(x)
      if (spec.normBefore) x = s.set(x, layerNorm(o, m.attentionNorm, x))
      const [attended, weights] = attention(o, m, x, mask)
      x = s.set(x, attended!)
      if (weights) s.let(weights)
      x = s.set(x, o.dropout(x, spec.dropout))
      x = s.set(x, o.add(residual, x))
      if (!spec.normBefore) x = s.set(x, layerNorm(o, m.attentionNorm, x))
      x = s.set(x, o.reshape(x, [axis('b·t', batch.size * tokens.size), h]))
      residual = s.set(residual, x)
      if (spec.normBefore) x = s.set(x, layerNorm(o, m.finalNorm, x))
      x = s.set(x, linear(o, m.fc1, x))
      x = s.set(x, activation(o, `${m.path}.activation_fn`, spec.activation, x))
      x = s.set(x, linear(o, m.fc2, x))
      x = s.set(x, o.dropout(x, spec.dropout))
      x = s.set(x, o.view(o.add(residual, x), [batch, tokens, h]))
      if (!spec.normBefore) x = s.set(x, layerNorm(o, m.finalNorm, x))
      return x
    })
  }

  function decoderLayer<T extends Tensor>(o: Shorthand<T>, m: Layer, input: T, mask: T | null, positions: T): T {
    const captured = mask ? [mask, positions] : [positions]
    return o.module(m.path, [input], () =>
      o.checkpoint(m.checkpointing, [input], captured, ([x]) => layerBody(o, m, x!, mask)),
    )
  }

  function decoder<T extends Tensor>(o: Shorthand<T>, ids: T, padding: T | null): T {
    return o.module(root, [ids], (s) => {
      let embedded = s.let(embed(o, train, `${root}.embed_tokens`, words, ids))
      const seen = padding ?? s.let(o.run('constant', [], { axes: [batch, tokens], dtype: 'float32', value: 1 }))
      const positions = s.let(o.run('positions_of_mask', [seen], {}))
      const mask = causalMask(o, train, { batch, tokens, dtype: embedded.dtype, window: null, padding }, library)
      if (mask) s.let(mask)
      const placed = s.let(
        o.module(`${root}.embed_positions`, [seen, positions], () => {
          const rows = o.run('shifted_ids', [positions], { by: OFFSET })
          return o.embedding(o.parameter(places), rows)
        }),
      )
      if (into) embedded = s.set(embedded, linear(o, into, embedded))
      let x = s.let(o.add(embedded, placed))
      for (const m of layers) x = s.set(x, decoderLayer(o, m, x, mask, positions))
      if (lastNorm) x = s.set(x, layerNorm(o, lastNorm, x))
      if (out) x = s.set(x, linear(o, out, x))
      return x
    })
  }

  const ids = { axes: [batch, tokens], dtype: 'int64' } as const
  return {
    ...b.declared(),
    inputs: [
      { name: 'input_ids', ...ids },
      { name: 'labels', ...ids },
      ...(train.padding ? [{ name: 'attention_mask', ...ids } as const] : []),
    ],
    forward<T extends Tensor>(o: Shorthand<T>, { input_ids, labels, attention_mask = undefined }: Batch<T>) {
      return o.call([], (s) => {
        const x = s.let(decoder(o, input_ids!, attention_mask ?? null))
        const logits = s.let(o.contiguous(linear(o, head, x)))
        const loss = s.let(causalLoss(o, logits, labels!, vocab))
        return [logits, loss] as const
      })
    },
  }
}
