import type { ModernBertSpec } from '../../models/spec.ts'
import type { Checkpointing, Shorthand, Tensor } from '../ops/ops.ts'
import { axis } from '../trace/axes.ts'
import { Refusal } from '../trace/errors.ts'
import type { TrainSpec } from '../training/spec.ts'
import { activation } from './activation.ts'
import { attentionOf } from './attention.ts'
import { Builder } from './builder.ts'
import { dropout } from './dropout.ts'
import { embed } from './embedding.ts'
import type { Library } from './library.ts'
import { type Linear, linear } from './linear.ts'
import { classificationLoss } from './loss.ts'
import { bidirectionalMask } from './mask.ts'
import type { Batch, Network } from './network.ts'
import { type LayerNorm, layerNorm } from './norm.ts'
import { applyFloatRotary } from './rotary.ts'
import { type Around, declareRotary, rotaryTable } from './rotary-decoder.ts'

interface Layer {
  readonly path: string
  readonly checkpointing: Checkpointing
  readonly sliding: boolean
  /** The first layer has none: the embeddings end in one. */
  readonly attentionNorm: LayerNorm | null
  readonly qkv: Linear
  readonly output: Linear
  readonly mlpNorm: LayerNorm
  readonly inner: Linear
  readonly outer: Linear
}

/**
 * modeling_modernbert.py, ModernBertForSequenceClassification: pre-norm encoder with rotary positions, whose layers see everything
 * or a window around. Throws `Refusal` for quantized weights, whose head transformers treats apart.
 */
export function modernBert(spec: ModernBertSpec, train: TrainSpec, library: Library): Network {
  if (train.quantize) {
    const message =
      'modernbert in 4 or 8 bits is not modelled: which of its two heads stays as it is depends on the loader'
    throw new Refusal('not-modelled', '--quantize', message, 'Leave it out.')
  }
  const b = new Builder(train, library)
  const [h, f] = [axis('h', spec.hidden), axis('f', spec.intermediate)]
  const [batch, tokens] = [axis('b', train.batch), axis('t', train.tokens)]
  const [heads, d] = [axis('a', spec.heads), axis('d', spec.hidden / spec.heads)]
  const [three, labels] = [axis('3', 3), axis('labels', spec.labels)]

  const words = b.weight('model.embeddings.tok_embeddings.weight', [axis('V', spec.vocab), h])
  const embeddingNorm = norm('model.embeddings.norm')
  const layers = Array.from({ length: spec.layers }, (_, i) => layer(`model.layers.${i}`, i))
  const finalNorm = norm('model.final_norm')
  const kinds = [false, true].filter((sliding) => layers.some((m) => m.sliding === sliding))
  const rotaries = kinds.map((sliding) => {
    const [theta, kind] = sliding ? [spec.slidingTheta, 'sliding_attention_'] : [spec.ropeTheta, 'full_attention_']
    return declareRotary(b, 'model.rotary_emb', d.size, theta, kind)
  })
  const headDense = b.linear('head.dense', h, h, { bias: spec.classifierBias, head: 'classes' })
  const headNorm = norm('head.norm')
  const head = b.linear('classifier', h, labels, { bias: true, head: 'classes' })

  function norm(path: string): LayerNorm {
    const bias = spec.normBias ? b.weight(`${path}.bias`, [h]) : null
    return { path, weight: b.weight(`${path}.weight`, [h]), bias, eps: spec.normEps }
  }

  function layer(path: string, i: number): Layer {
    const [attention, mlp] = [{ bias: spec.attentionBias }, { bias: spec.mlpBias }]
    return {
      path,
      checkpointing: b.checkpointing(),
      sliding: spec.kinds[i % spec.kinds.length]!.sliding,
      attentionNorm: i === 0 ? null : norm(`${path}.attn_norm`),
      qkv: b.linear(`${path}.attn.Wqkv`, h, axis('3·h', 3 * spec.hidden), attention),
      output: b.linear(`${path}.attn.Wo`, h, h, attention),
      mlpNorm: norm(`${path}.mlp_norm`),
      inner: b.linear(`${path}.mlp.Wi`, h, axis('2·f', 2 * spec.intermediate), mlp),
      outer: b.linear(`${path}.mlp.Wo`, f, h, mlp),
    }
  }

  function embeddings<T extends Tensor>(o: Shorthand<T>, ids: T): T {
    const path = 'model.embeddings'
    return o.module(path, [ids], (s) => {
      const normed = layerNorm(o, embeddingNorm, embed(o, train, `${path}.tok_embeddings`, words, ids))
      return s.let(dropout(o, `${path}.drop`, spec.embeddingDropout, normed))
    })
  }

  function attention<T extends Tensor>(o: Shorthand<T>, m: Layer, x: T, { mask, cos, sin }: Around<T>): readonly T[] {
    const path = `${m.path}.attn`
    return o.module(path, [x], (s) => {
      let qkv = s.let(linear(o, m.qkv, x))
      qkv = s.set(qkv, o.view(qkv, [batch, tokens, three, heads, d]))
      let [q, k, v] = o.unbind(qkv, 2).map((part) => s.let(part)) as [T, T, T]
      q = s.set(q, o.transpose(q, 1, 2))
      k = s.set(k, o.transpose(k, 1, 2))
      v = s.set(v, o.transpose(v, 1, 2))
      const [turnedQ, turnedK] = applyFloatRotary(o, q, k, cos, sin)
      q = s.set(q, turnedQ)
      k = s.set(k, turnedK)
      // flash-attn counts the token itself
      const window = m.sliding ? spec.slidingWindow + 1 : null
      const how = { dropout: spec.attentionDropout, scale: d.size ** -0.5, causal: false, window, upcast: true }
      const [attended, weights] = attentionOf(train, library)(o, { q, k, v, mask, ...how }, s)
      let out = s.let(attended)
      if (weights) s.let(weights)
      out = s.set(out, o.contiguous(o.reshape(out, [batch, tokens, h])))
      out = s.set(out, dropout(o, `${path}.out_drop`, spec.attentionDropout, linear(o, m.output, out)))
      return weights ? [out, weights] : [out]
    })
  }

  function mlp<T extends Tensor>(o: Shorthand<T>, m: Layer, x: T): T {
    const path = `${m.path}.mlp`
    return o.module(path, [x], (s) => {
      const [input, gate] = o.split(linear(o, m.inner, x), 2, [f, f]) as readonly [T, T]
      s.let(input)
      s.let(gate)
      const gated = o.mul(activation(o, `${path}.act`, spec.activation, input), gate)
      return linear(o, m.outer, dropout(o, `${path}.drop`, spec.mlpDropout, gated))
    })
  }

  function layerBody<T extends Tensor>(o: Shorthand<T>, m: Layer, given: T, around: Around<T>): T {
    return o.call([], (s) => {
      let x = s.let(given)
      const [out, weights] = attention(o, m, m.attentionNorm ? layerNorm(o, m.attentionNorm, x) : x, around)
      const attended = s.let(out!)
      if (weights) s.let(weights)
      x = s.set(x, o.add(x, attended))
      x = s.set(x, o.add(x, mlp(o, m, layerNorm(o, m.mlpNorm, x))))
      return x
    })
  }

  function encoderLayer<T extends Tensor>(o: Shorthand<T>, m: Layer, x: T, around: Around<T>): T {
    const { mask, cos, sin } = around
    const captured = mask ? [mask, cos, sin] : [cos, sin]
    return o.module(m.path, [x], () =>
      o.checkpoint(m.checkpointing, [x], captured, ([y]) => layerBody(o, m, y!, around)),
    )
  }

  function model<T extends Tensor>(o: Shorthand<T>, ids: T, padding: T | null): T {
    return o.module('model', [ids], (s) => {
      const positions = s.let(o.unsqueeze(o.run('positions', [], { axes: [tokens], past: false }), 0))
      const embedded = s.let(embeddings(o, ids))
      const masks = [null, spec.slidingWindow].map((window) => {
        const mask = bidirectionalMask(o, train, { batch, tokens, dtype: embedded.dtype, padding, window })
        return mask && s.let(mask)
      })
      const tables = rotaries.map((rotary) => {
        const [cos, sin] = rotaryTable(o, rotary, embedded, positions)
        return { cos: s.let(cos), sin: s.let(sin) }
      })
      let x = s.let(embedded)
      for (const m of layers) {
        const around = { mask: masks[m.sliding ? 1 : 0]!, ...tables[kinds.indexOf(m.sliding)]! }
        x = s.set(x, encoderLayer(o, m, x, around))
      }
      x = s.set(x, layerNorm(o, finalNorm, x))
      return x
    })
  }

  /** The first token, or the mean of all that the mask lets count: `[b, t, h] → [b, h]`. */
  function pooled<T extends Tensor>(o: Shorthand<T>, sequence: T, given: T | null): T {
    if (spec.pooling === 'cls') return o.select(sequence, 1, 0)
    return o.call([sequence], (s) => {
      const ones = () => o.run('constant', [], { axes: [batch, tokens], dtype: 'bool', value: 1 })
      const mask = given ?? s.let(ones())
      return o.divWhole(o.sum(o.mulWhole(sequence, o.unsqueeze(mask, 2)), 1), o.sum(mask, 1, true))
    })
  }

  function prediction<T extends Tensor>(o: Shorthand<T>, x: T): T {
    return o.module('head', [x], () =>
      layerNorm(o, headNorm, activation(o, 'head.act', spec.classifierActivation, linear(o, headDense, x))),
    )
  }

  const ids = { axes: [batch, tokens], dtype: 'int64' } as const
  return {
    ...b.declared(),
    inputs: [
      { name: 'input_ids', ...ids },
      { name: 'labels', axes: [batch], dtype: 'int64' },
      ...(train.padding ? [{ name: 'attention_mask', ...ids } as const] : []),
    ],
    forward<T extends Tensor>(o: Shorthand<T>, { input_ids, labels: target, attention_mask = undefined }: Batch<T>) {
      return o.call([], (s) => {
        const sequence = s.let(model(o, input_ids!, attention_mask ?? null))
        const chosen = s.let(pooled(o, sequence, attention_mask ?? null))
        let x = s.let(prediction(o, chosen))
        x = s.set(x, dropout(o, 'drop', spec.classifierDropout, x))
        const logits = s.let(linear(o, head, x))
        const loss = s.let(classificationLoss(o, logits, target!))
        return [logits, loss] as const
      })
    },
  }
}
