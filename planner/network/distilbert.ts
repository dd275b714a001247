import type { DistilBertSpec } from '../../models/spec.ts'
import type { Checkpointing, Shorthand, Tensor } from '../ops/ops.ts'
import { axis, ONE } from '../trace/axes.ts'
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

interface Layer {
  readonly path: string
  readonly checkpointing: Checkpointing
  readonly query: Linear
  readonly key: Linear
  readonly value: Linear
  readonly out: Linear
  readonly attentionNorm: LayerNorm
  readonly lin1: Linear
  readonly lin2: Linear
  readonly outputNorm: LayerNorm
}

/** Norms have this number written into them, whatever the config says. */
const EPS = 1e-12

/** modeling_distilbert.py, DistilBertForSequenceClassification: post-norm encoder, learned positions, first token's head. */
export function distilBert(spec: DistilBertSpec, train: TrainSpec, library: Library): Network {
  const b = new Builder(train, library)
  const [h, f] = [axis('h', spec.hidden), axis('f', spec.intermediate)]
  const [batch, tokens] = [axis('b', train.batch), axis('t', train.tokens)]
  const [heads, d] = [axis('a', spec.heads), axis('d', spec.hidden / spec.heads)]
  const [labels, places] = [axis('labels', spec.labels), axis('positions', spec.positions)]
  const bias = { bias: true }

  const words = b.weight('distilbert.embeddings.word_embeddings.weight', [axis('V', spec.vocab), h])
  const positions = b.weight('distilbert.embeddings.position_embeddings.weight', [places, h])
  const embeddingNorm = norm('distilbert.embeddings.LayerNorm')
  const positionIds = b.buffer('distilbert.embeddings.position_ids', [ONE, places], 'int64', { kind: 'arange' })
  const layers = Array.from({ length: spec.layers }, (_, i) => layer(`distilbert.transformer.layer.${i}`))
  const preClassifier = b.linear('pre_classifier', h, h, { bias: true, head: 'classes' })
  const head = b.linear('classifier', h, labels, { bias: true, head: 'classes' })

  function norm(path: string): LayerNorm {
    return { path, weight: b.weight(`${path}.weight`, [h]), bias: b.weight(`${path}.bias`, [h]), eps: EPS }
  }

  function layer(path: string): Layer {
    return {
      path,
      checkpointing: b.checkpointing(),
      query: b.linear(`${path}.attention.q_lin`, h, h, bias),
      key: b.linear(`${path}.attention.k_lin`, h, h, bias),
      value: b.linear(`${path}.attention.v_lin`, h, h, bias),
      out: b.linear(`${path}.attention.out_lin`, h, h, bias),
      attentionNorm: norm(`${path}.sa_layer_norm`),
      lin1: b.linear(`${path}.ffn.lin1`, h, f, bias),
      lin2: b.linear(`${path}.ffn.lin2`, f, h, bias),
      outputNorm: norm(`${path}.output_layer_norm`),
    }
  }

  function embeddings<T extends Tensor>(o: Shorthand<T>, ids: T): T {
    const path = 'distilbert.embeddings'
    return o.module(path, [ids], (s) => {
      const word = s.let(embed(o, train, `${path}.word_embeddings`, words, ids))
      const at = s.let(o.slice(o.parameter(positionIds), 1, 0, tokens.size, 't'))
      const place = s.let(o.module(`${path}.position_embeddings`, [at], () => o.embedding(o.parameter(positions), at)))
      let x = s.let(o.add(word, place))
      x = s.set(x, layerNorm(o, embeddingNorm, x))
      x = s.set(x, dropout(o, `${path}.dropout`, spec.dropout, x))
      return x
    })
  }

  function attention<T extends Tensor>(o: Shorthand<T>, m: Layer, x: T, mask: T | null): readonly T[] {
    return o.module(`${m.path}.attention`, [x], (s) => {
      const split = (y: T): T => o.transpose(o.view(y, [batch, tokens, heads, d]), 1, 2)
      const q = s.let(split(linear(o, m.query, x)))
      const k = s.let(split(linear(o, m.key, x)))
      const v = s.let(split(linear(o, m.value, x)))
      const settings = { dropout: spec.attentionDropout, scale: d.size ** -0.5, causal: false, upcast: false }
      const [attended, weights] = attentionOf(train, library)(o, { q, k, v, mask, ...settings }, s)
      let out = s.let(attended)
      if (weights) s.let(weights)
      out = s.set(out, o.contiguous(o.reshape(out, [batch, tokens, h])))
      out = s.set(out, linear(o, m.out, out))
      return weights ? [out, weights] : [out]
    })
  }

  function feedForward<T extends Tensor>(o: Shorthand<T>, m: Layer, given: T): T {
    const path = `${m.path}.ffn`
    return o.module(path, [given], (s) => {
      let x = s.let(linear(o, m.lin1, given))
      x = s.set(x, activation(o, `${path}.activation`, spec.activation, x))
      x = s.set(x, linear(o, m.lin2, x))
      x = s.set(x, dropout(o, `${path}.dropout`, spec.dropout, x))
      return x
    })
  }

  function layerBody<T extends Tensor>(o: Shorthand<T>, m: Layer, given: T, mask: T | null): T {
    return o.call([], (s) => {
      const [result, weights] = attention(o, m, given, mask)
      let attended = s.let(result!)
      if (weights) s.let(weights)
      attended = s.set(attended, layerNorm(o, m.attentionNorm, o.add(attended, given)))
      let out = s.let(feedForward(o, m, attended))
      out = s.set(out, layerNorm(o, m.outputNorm, o.add(out, attended)))
      return out
    })
  }

  function block<T extends Tensor>(o: Shorthand<T>, m: Layer, x: T, mask: T | null): T {
    const args = mask ? [x, mask] : [x]
    return o.module(m.path, args, () =>
      o.checkpoint(m.checkpointing, args, [], ([y, z]) => layerBody(o, m, y!, z ?? null)),
    )
  }

  function transformer<T extends Tensor>(o: Shorthand<T>, given: T, mask: T | null): T {
    return o.module('distilbert.transformer', [given], (s) => {
      let x = s.let(given)
      for (const m of layers) x = s.set(x, block(o, m, x, mask))
      return x
    })
  }

  function model<T extends Tensor>(o: Shorthand<T>, ids: T, padding: T | null): T {
    return o.module('distilbert', [ids], (s) => {
      const embedded = s.let(embeddings(o, ids))
      const mask = bidirectionalMask(o, train, { batch, tokens, dtype: embedded.dtype, padding })
      if (mask) s.let(mask)
      return transformer(o, embedded, mask)
    })
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
        let pooled = s.let(o.select(sequence, 1, 0))
        pooled = s.set(pooled, linear(o, preClassifier, pooled))
        pooled = s.set(pooled, o.relu(pooled))
        pooled = s.set(pooled, dropout(o, 'dropout', spec.classifierDropout, pooled))
        const logits = s.let(linear(o, head, pooled))
        const loss = s.let(classificationLoss(o, logits, target!))
        return [logits, loss] as const
      })
    },
  }
}
