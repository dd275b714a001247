import type { Gpt2Spec } from '../../models/spec.ts'
import type { Checkpointing, Frame, Parameter, Shorthand, Tensor } from '../ops/ops.ts'
import { axis, ONE } from '../trace/axes.ts'
import { Refusal } from '../trace/errors.ts'
import type { TrainSpec } from '../training/spec.ts'
import { activation } from './activation.ts'
import { type Attend, type Attended, attentionOf } from './attention.ts'
import { Builder } from './builder.ts'
import { dropout } from './dropout.ts'
import { embed } from './embedding.ts'
import type { Library } from './library.ts'
import { type Linear, linear } from './linear.ts'
import { causalLoss, cutLogitsLoss } from './loss.ts'
import { causalMask, invertedMask } from './mask.ts'
import type { Batch, Network } from './network.ts'
import { type LayerNorm, layerNorm } from './norm.ts'

interface Layer {
  readonly path: string
  readonly checkpointing: Checkpointing
  readonly index: number
  /** What a query may see, a buffer of transformers 4: `[1, 1, positions, positions]` */
  readonly seen: Parameter | null
  readonly norm1: LayerNorm
  readonly qkv: Linear
  readonly attentionOutput: Linear
  readonly norm2: LayerNorm
  readonly up: Linear
  readonly down: Linear
}

/** eager_attention_forward (modeling_gpt2.py): softmax in the type there is, and the result is left turned. */
function eager<T extends Tensor>(o: Shorthand<T>, { q, k, v, mask, dropout: p, scale }: Attend<T>): Attended<T> {
  return o.call([q, k, v], (s) => {
    let weights = s.let(o.mulScalar(o.matmul(q, o.transpose(k, 2, 3)), scale))
    if (mask) weights = s.set(weights, o.add(weights, mask))
    weights = s.set(weights, o.softmax(weights))
    weights = s.set(weights, o.to(weights, v.dtype))
    weights = s.set(weights, o.dropout(weights, p))
    const out = s.let(o.matmul(weights, v))
    return [s.set(out, o.transpose(out, 1, 2)), weights] as const
  })
}

/** The same in transformers 4: divided by a number on the device, and masked by a part of the layer's buffer. */
function eagerWithin<T extends Tensor>(
  o: Shorthand<T>,
  m: Layer,
  seen: Parameter,
  scaling: Pick<Gpt2Spec, 'scaled' | 'scaledByLayer'>,
  call: Attend<T>,
): Attended<T> {
  const { q, k, v, mask, dropout: p } = call
  const [query, key] = [q.axes[2]!, k.axes[2]!]
  const number = (value: number): T => o.run('constant', [], { axes: [], dtype: q.dtype, value })
  return o.call([q, k, v], (s) => {
    let weights = s.let(o.matmul(q, o.transpose(k, 2, 3)))
    if (scaling.scaled) weights = s.set(weights, o.div(weights, number(Math.sqrt(q.axes[3]!.size))))
    if (scaling.scaledByLayer) weights = s.set(weights, o.mulScalar(weights, 1 / (m.index + 1)))
    const rows = o.slice(o.parameter(seen), 2, 0, query.size, query.name)
    const visible = s.let(o.slice(rows, 3, 0, key.size, key.name))
    const lowest = s.let(number(-Infinity))
    weights = s.set(weights, o.run('where', [visible, weights, lowest], {}))
    if (mask) weights = s.set(weights, o.add(weights, mask))
    weights = s.set(weights, o.softmax(weights))
    weights = s.set(weights, o.to(weights, v.dtype))
    weights = s.set(weights, dropout(o, `${m.path}.attn.attn_dropout`, p, weights))
    const out = s.let(o.matmul(weights, v))
    return [s.set(out, o.transpose(out, 1, 2)), weights] as const
  })
}

/** modeling_gpt2.py: learned positions, q, k and v in one Conv1D. */
export function gpt2(spec: Gpt2Spec, train: TrainSpec, library: Library): Network {
  refuseUnmodelled(train)
  const b = new Builder(train, library)
  const inline = library.gpt2 === 'inline'
  const [h, f, vocab] = [axis('h', spec.hidden), axis('f', spec.intermediate), axis('V', spec.vocab)]
  const [batch, tokens] = [axis('b', train.batch), axis('t', train.tokens)]
  const [heads, d] = [axis('a', spec.heads), axis('d', spec.hidden / spec.heads)]
  const words = b.weight('transformer.wte.weight', [vocab, h])
  const places = b.weight('transformer.wpe.weight', [axis('positions', spec.positions), h])
  const layers = Array.from({ length: spec.layers }, (_, i) => layer(`transformer.h.${i}`, i))
  const finalNorm = norm('transformer.ln_f')
  const head = b.linear('lm_head', h, vocab, { head: 'vocabulary', ...(spec.tied ? { tied: words } : {}) })

  function norm(path: string): LayerNorm {
    return { path, weight: b.weight(`${path}.weight`, [h]), bias: b.weight(`${path}.bias`, [h]), eps: spec.normEps }
  }

  function layer(path: string, index: number): Layer {
    const conv1d = { bias: true, conv1d: true }
    const { positions } = spec
    const seen =
      inline &&
      b.buffer(`${path}.attn.bias`, [ONE, ONE, axis('positions', positions), axis('positions', positions)], 'bool')
    if (seen) b.buffer(`${path}.attn.masked_bias`, [], train.dtype)
    return {
      path,
      checkpointing: b.checkpointing(),
      index,
      seen: seen || null,
      norm1: norm(`${path}.ln_1`),
      qkv: b.linear(`${path}.attn.c_attn`, h, axis('3·h', 3 * spec.hidden), conv1d),
      attentionOutput: b.linear(`${path}.attn.c_proj`, h, h, conv1d),
      norm2: norm(`${path}.ln_2`),
      up: b.linear(`${path}.mlp.c_fc`, h, f, conv1d),
      down: b.linear(`${path}.mlp.c_proj`, f, h, conv1d),
    }
  }

  function attention<T extends Tensor>(o: Shorthand<T>, m: Layer, x: T, mask: T | null): readonly T[] {
    const path = `${m.path}.attn`
    return o.module(path, [x], (s) => {
      const split = (y: T): T => s.set(y, o.transpose(o.view(y, [batch, tokens, heads, d]), 1, 2))
      let [q, k, v] = o.split(linear(o, m.qkv, x), 2, [h, h, h]) as readonly [T, T, T]
      q = s.let(q)
      k = s.let(k)
      v = s.let(v)
      if (inline) q = split(q)
      k = split(k)
      v = split(v)
      if (!inline) q = split(q)
      const scale = (spec.scaled ? d.size ** -0.5 : 1) / (spec.scaledByLayer ? m.index + 1 : 1)
      const call = { q, k, v, mask, dropout: spec.attentionDropout, scale, causal: true, upcast: false }
      const [out, weights] = attend(o, m, call, s)
      let result = s.let(out)
      if (weights) s.let(weights)
      result = s.set(result, o.contiguous(o.reshape(result, [batch, tokens, h])))
      result = s.set(result, linear(o, m.attentionOutput, result))
      result = s.set(result, dropout(o, `${path}.resid_dropout`, spec.residualDropout, result))
      return weights && !inline ? [result, weights] : [result]
    })
  }

  function attend<T extends Tensor>(o: Shorthand<T>, m: Layer, call: Attend<T>, s: Frame<T>): Attended<T> {
    if (train.attention !== 'eager') return attentionOf(train, library)(o, call, s)
    return m.seen ? eagerWithin(o, m, m.seen, spec, call) : eager(o, call)
  }

  function mlp<T extends Tensor>(o: Shorthand<T>, m: Layer, given: T): T {
    const path = `${m.path}.mlp`
    return o.module(path, [given], (s) => {
      let x = s.let(linear(o, m.up, given))
      x = s.set(x, activation(o, `${path}.act`, spec.activation, x))
      x = s.set(x, linear(o, m.down, x))
      x = s.set(x, dropout(o, `${path}.dropout`, spec.residualDropout, x))
      return x
    })
  }

  function block<T extends Tensor>(o: Shorthand<T>, m: Layer, input: T, mask: T | null): T {
    return o.call([], (s) => {
      let x = s.let(input)
      let residual = s.let(x)
      x = s.set(x, layerNorm(o, m.norm1, x))
      const [out, weights] = attention(o, m, x, mask)
      const attended = s.let(out!)
      if (weights) s.let(weights)
      x = s.set(x, o.add(attended, residual))
      residual = s.set(residual, x)
      x = s.set(x, layerNorm(o, m.norm2, x))
      const inner = s.let(mlp(o, m, x))
      return s.set(x, o.add(residual, inner))
    })
  }

  function checkpointed<T extends Tensor>(o: Shorthand<T>, m: Layer, x: T, mask: T | null, positions: T): T {
    const args = mask ? [x, mask] : [x]
    return o.module(m.path, args, () =>
      o.checkpoint(m.checkpointing, args, inline ? [] : [positions], ([y, given]) => block(o, m, y!, given ?? null)),
    )
  }

  function model<T extends Tensor>(o: Shorthand<T>, ids: T, padding: T | null): T {
    return o.module('transformer', [ids], (s) => {
      const range = (): T => s.let(o.unsqueeze(o.run('positions', [], { axes: [tokens] }), 0))
      const early = inline ? range() : null
      const embedded = s.let(embed(o, train, 'transformer.wte', words, ids))
      const positions = early ?? range()
      const placed = s.let(o.module('transformer.wpe', [positions], () => o.embedding(o.parameter(places), positions)))
      let x = s.let(o.add(embedded, placed))
      const at = { batch, tokens, dtype: embedded.dtype, window: null, padding }
      // Layers of transformers 4 mask by their own buffers what is not seen yet.
      const mask = inline ? padding && invertedMask(o, padding, train.dtype) : causalMask(o, train, at, library)
      if (mask) s.let(mask)
      x = s.set(x, dropout(o, 'transformer.drop', spec.embeddingDropout, x))
      for (const m of layers) x = s.set(x, checkpointed(o, m, x, mask, positions))
      if (library.layerOutputs) s.let(x)
      x = s.set(x, layerNorm(o, finalNorm, x))
      return s.set(x, o.view(x, x.axes))
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
        const x = s.let(model(o, input_ids!, attention_mask ?? null))
        const logits = s.let(linear(o, head, x))
        const loss = inline
          ? cutLogitsLoss(o, logits, labels!, vocab)
          : causalLoss(o, logits, labels!, vocab, library.shift)
        s.let(loss)
        return [logits, loss] as const
      })
    },
  }
}

function refuseUnmodelled({ quantize, adapter }: TrainSpec): void {
  if (quantize) {
    const message = 'a quantized Conv1D, whose weight is turned on the way, is not modelled'
    throw new Refusal('not-modelled', '--quantize', message, 'Leave it out.')
  }
  if (adapter?.dora) {
    const message = 'DoRA on a Conv1D, whose weight is turned on the way, is not modelled'
    throw new Refusal('not-modelled', '--use-dora', message, 'Leave it out.')
  }
}
