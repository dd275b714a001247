import type { BertSpec } from '../../models/spec.ts'
import type { Checkpointing, Frame, Parameter, Shorthand, Tensor } from '../ops/ops.ts'
import { axis, ONE } from '../trace/axes.ts'
import type { TrainSpec } from '../training/spec.ts'
import { activation } from './activation.ts'
import { type Attend, type Attended, attentionOf, sdpaAttention } from './attention.ts'
import { Builder } from './builder.ts'
import { dropout } from './dropout.ts'
import type { Library } from './library.ts'
import { type Linear, linear } from './linear.ts'
import { classificationLoss } from './loss.ts'
import { bidirectionalMask, invertedMask } from './mask.ts'
import type { Batch, Network } from './network.ts'
import { type LayerNorm, layerNorm } from './norm.ts'

interface Layer {
  readonly path: string
  readonly checkpointing: Checkpointing
  readonly query: Linear
  readonly key: Linear
  readonly value: Linear
  readonly attentionOutput: Linear
  readonly attentionNorm: LayerNorm
  readonly intermediate: Linear
  readonly output: Linear
  readonly outputNorm: LayerNorm
}

/** modeling_bert.py and modeling_roberta.py, ForSequenceClassification: post-norm encoder, learned positions, first token's head. */
export function bert(spec: BertSpec, train: TrainSpec, library: Library): Network {
  const b = new Builder(train, library)
  const inline = library.bert === 'inline'
  const [h, f] = [axis('h', spec.hidden), axis('f', spec.intermediate)]
  const [batch, tokens] = [axis('b', train.batch), axis('t', train.tokens)]
  const [heads, d] = [axis('a', spec.heads), axis('d', spec.hidden / spec.heads)]
  const labels = axis('labels', spec.labels)
  const roberta = spec.variant === 'roberta'
  const root = roberta ? 'roberta' : 'bert'
  const places = axis('positions', spec.positions)

  const words = b.weight(`${root}.embeddings.word_embeddings.weight`, [axis('V', spec.vocab), h])
  const positionTable = () => b.weight(`${root}.embeddings.position_embeddings.weight`, [places, h])
  // RobertaEmbeddings of transformers 5 declares its positions last.
  const first = roberta && !inline ? null : positionTable()
  const types = b.weight(`${root}.embeddings.token_type_embeddings.weight`, [axis('types', spec.tokenTypes), h])
  const embeddingNorm = norm(`${root}.embeddings.LayerNorm`)
  const positions = first ?? positionTable()
  const positionIds = b.buffer(`${root}.embeddings.position_ids`, [ONE, places], 'int64', { kind: 'arange' })
  const tokenTypeIds = b.buffer(`${root}.embeddings.token_type_ids`, [ONE, places], 'int64')
  const layers = Array.from({ length: spec.layers }, (_, i) => layer(`${root}.encoder.layer.${i}`))
  const pooler = roberta ? null : b.linear(`${root}.pooler.dense`, h, h, { bias: true })
  const headDense = roberta ? b.linear('classifier.dense', h, h, { bias: true, head: 'classes' }) : null
  const headPath = roberta ? 'classifier.out_proj' : 'classifier'
  const headHome = b.home('classifier')
  const head = b.linear(headPath, h, labels, { bias: true, head: 'classes' })

  function norm(path: string): LayerNorm {
    return { path, weight: b.weight(`${path}.weight`, [h]), bias: b.weight(`${path}.bias`, [h]), eps: spec.normEps }
  }

  function layer(path: string): Layer {
    const bias = { bias: true }
    return {
      path,
      checkpointing: b.checkpointing(),
      query: b.linear(`${path}.attention.self.query`, h, h, bias),
      key: b.linear(`${path}.attention.self.key`, h, h, bias),
      value: b.linear(`${path}.attention.self.value`, h, h, bias),
      attentionOutput: b.linear(`${path}.attention.output.dense`, h, h, bias),
      attentionNorm: norm(`${path}.attention.output.LayerNorm`),
      intermediate: b.linear(`${path}.intermediate.dense`, h, f, bias),
      output: b.linear(`${path}.output.dense`, f, h, bias),
      outputNorm: norm(`${path}.output.LayerNorm`),
    }
  }

  function table<T extends Tensor>(o: Shorthand<T>, name: string, weight: Parameter, ids: T): T {
    return o.module(`${root}.embeddings.${name}`, [ids], () => o.embedding(o.parameter(weight), ids))
  }

  function embeddings<T extends Tensor>(o: Shorthand<T>, ids: T): T {
    const path = `${root}.embeddings`
    return o.module(path, [ids], (s) => {
      const places = roberta
        ? s.let(o.run('position_ids_after_padding', [ids], { padId: spec.padTokenId }))
        : s.let(o.slice(o.parameter(positionIds), 1, 0, tokens.size, 't'))
      // All zeros from a buffer: a part of it, or gathered by the positions, of which one row is enough where they have one.
      const zeros = s.let(
        inline
          ? o.slice(o.parameter(tokenTypeIds), 1, 0, tokens.size, 't')
          : o.run('constant', [], { axes: places.axes, dtype: 'int64', value: 0 }),
      )
      const tokenTypes = s.let(o.expand(zeros, [batch, tokens]))
      const word = embedWords(o, ids)
      s.let(word)
      const type = s.let(table(o, 'token_type_embeddings', types, tokenTypes))
      let x = s.let(o.add(word, type))
      const place = s.let(table(o, 'position_embeddings', positions, places))
      x = s.set(x, inline ? o.run('add_', [x, place], {}) : o.add(x, place))
      x = s.set(x, layerNorm(o, embeddingNorm, x))
      x = s.set(x, dropout(o, `${path}.dropout`, spec.hiddenDropout, x))
      return x
    })
  }

  /** enable_input_require_grads hooks the word embedding. */
  function embedWords<T extends Tensor>(o: Shorthand<T>, ids: T): T {
    const x = table(o, 'word_embeddings', words, ids)
    return train.adapter && train.checkpointing !== 'none' ? o.requireGrad(x) : x
  }

  function selfAttention<T extends Tensor>(o: Shorthand<T>, m: Layer, x: T, mask: T | null): readonly T[] {
    return o.module(`${m.path}.attention.self`, [x], (s) => {
      const split = (y: T): T => o.transpose(o.view(y, [batch, tokens, heads, d]), 1, 2)
      // Where transformers 4 writes attention out, the query is split last: its node runs back first.
      const late = inline && train.attention === 'eager'
      const query = s.let(late ? linear(o, m.query, x) : split(linear(o, m.query, x)))
      const k = s.let(split(linear(o, m.key, x)))
      const v = s.let(split(linear(o, m.value, x)))
      const q = late ? s.let(split(query)) : query
      const call = {
        q,
        k,
        v,
        mask,
        dropout: spec.attentionDropout,
        scale: d.size ** -0.5,
        causal: false,
        upcast: false,
      }
      const [attended, weights] = attend(o, `${m.path}.attention.self.dropout`, call, s)
      let out = s.let(attended)
      if (weights) s.let(weights)
      out = s.set(out, o.contiguous(o.reshape(out, [batch, tokens, h])))
      return weights ? [out, weights] : [out]
    })
  }

  function attend<T extends Tensor>(o: Shorthand<T>, dropoutPath: string, call: Attend<T>, s: Frame<T>): Attended<T> {
    if (!inline) return attentionOf(train, library)(o, call, s)
    return train.attention === 'eager' ? eagerInline(o, dropoutPath, call) : sdpaAttention(o, call)
  }

  /** BertSelfOutput and BertOutput: dense, dropout, norm of the sum. */
  function output<T extends Tensor>(o: Shorthand<T>, path: string, dense: Linear, n: LayerNorm, given: T, to: T): T {
    return o.module(path, [given, to], (s) => {
      let x = s.let(linear(o, dense, given))
      x = s.set(x, dropout(o, `${path}.dropout`, spec.hiddenDropout, x))
      x = s.set(x, layerNorm(o, n, o.add(x, to)))
      return x
    })
  }

  function attention<T extends Tensor>(o: Shorthand<T>, m: Layer, x: T, mask: T | null): readonly T[] {
    return o.module(`${m.path}.attention`, [x], (s) => {
      const [attended, weights] = selfAttention(o, m, x, mask)
      let out = s.let(attended!)
      if (weights) s.let(weights)
      const result = output(o, `${m.path}.attention.output`, m.attentionOutput, m.attentionNorm, out, x)
      // A tuple named `self_outputs` holds it.
      out = inline ? s.let(result) : s.set(out, result)
      return weights ? [out, weights] : [out]
    })
  }

  function intermediate<T extends Tensor>(o: Shorthand<T>, m: Layer, given: T): T {
    const path = `${m.path}.intermediate`
    return o.module(path, [given], (s) => {
      let x = s.let(linear(o, m.intermediate, given))
      x = s.set(x, activation(o, `${path}.intermediate_act_fn`, spec.activation, x))
      return x
    })
  }

  function layerBody<T extends Tensor>(o: Shorthand<T>, m: Layer, given: T, mask: T | null): T {
    return o.call([], (s) => {
      const [result, weights] = attention(o, m, given, mask)
      const attended = s.let(result!)
      if (weights) s.let(weights)
      return s.let(
        o.call([attended], (chunk) => {
          const inner = chunk.let(intermediate(o, m, attended))
          return chunk.let(output(o, `${m.path}.output`, m.output, m.outputNorm, inner, attended))
        }),
      )
    })
  }

  function encoderLayer<T extends Tensor>(o: Shorthand<T>, m: Layer, x: T, mask: T | null): T {
    const args = mask ? [x, mask] : [x]
    return o.module(m.path, args, () =>
      o.checkpoint(m.checkpointing, args, [], ([y, z]) => layerBody(o, m, y!, z ?? null)),
    )
  }

  function encoder<T extends Tensor>(o: Shorthand<T>, given: T, mask: T | null): T {
    return o.module(`${root}.encoder`, [given], (s) => {
      let x = s.let(given)
      for (const m of layers) x = s.set(x, encoderLayer(o, m, x, mask))
      return x
    })
  }

  /** `[b, t, h]`, and for BERT the first token through the pooler `[b, h]`. */
  function model<T extends Tensor>(o: Shorthand<T>, ids: T, padding: T | null): readonly T[] {
    return o.module(root, [ids], (s) => {
      const embedded = s.let(embeddings(o, ids))
      const mask = inline
        ? maskOfOnes(o, s, padding)
        : bidirectionalMask(o, train, { batch, tokens, dtype: embedded.dtype, padding })
      if (mask) s.let(mask)
      const sequence = s.let(encoder(o, embedded, mask))
      return pooler ? [sequence, s.let(pool(o, pooler, sequence))] : [sequence]
    })
  }

  /** BertModel.forward of transformers 4 makes a mask of ones where it is given none, among its names; sdpa then needs none. */
  function maskOfOnes<T extends Tensor>(o: Shorthand<T>, s: Frame<T>, padding: T | null): T | null {
    const ones = () => o.run('constant', [], { axes: [batch, tokens], dtype: 'float32', value: 1 })
    const given = padding ?? s.let(ones())
    return train.attention === 'eager' ? invertedMask(o, given, b.dtypeOf(words.path)) : null
  }

  function pool<T extends Tensor>(o: Shorthand<T>, dense: Linear, sequence: T): T {
    return o.module(`${root}.pooler`, [sequence], (s) => {
      const first = s.let(o.select(sequence, 1, 0))
      let x = s.let(linear(o, dense, first))
      x = s.set(
        x,
        o.module(`${root}.pooler.activation`, [x], () => o.tanh(x)),
      )
      return x
    })
  }

  /** RobertaClassificationHead; under modules_to_save a wrapper hands over to the copy that trains. */
  function robertaHead<T extends Tensor>(o: Shorthand<T>, dense: Linear, features: T): T {
    const drop = (x: T): T => dropout(o, `${headHome}.dropout`, spec.classifierDropout, x)
    const run = (): T =>
      o.module(headHome, [features], (s) => {
        let x = s.let(o.select(features, 1, 0))
        x = s.set(x, drop(x))
        x = s.set(x, linear(o, dense, x))
        x = s.set(x, o.tanh(x))
        x = s.set(x, drop(x))
        x = s.set(x, linear(o, head, x))
        return x
      })
    return headHome === 'classifier' ? run() : o.module('classifier', [features], run)
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
        const outputs = model(o, input_ids!, attention_mask ?? null)
        for (const t of outputs) s.let(t)
        let logits: T
        if (headDense) logits = s.let(robertaHead(o, headDense, outputs[0]!))
        else {
          let pooled = s.let(outputs[1]!)
          pooled = s.set(pooled, dropout(o, 'dropout', spec.classifierDropout, pooled))
          logits = s.let(linear(o, head, pooled))
        }
        const loss = s.let(classificationLoss(o, logits, target!))
        return [logits, loss] as const
      })
    },
  }
}

/** BertSelfAttention.forward of transformers 4: the scores keep their name beside the probabilities. */
function eagerInline<T extends Tensor>(o: Shorthand<T>, dropoutPath: string, call: Attend<T>): Attended<T> {
  const { q, k, v, mask } = call
  return o.call([q, k, v], (s) => {
    let scores = s.let(o.matmul(q, o.transpose(k, 2, 3)))
    scores = s.set(scores, o.mulScalar(scores, call.scale))
    if (mask) scores = s.set(scores, o.add(scores, mask))
    let probabilities = s.let(o.softmax(scores))
    probabilities = s.set(probabilities, dropout(o, dropoutPath, call.dropout, probabilities))
    const out = s.let(o.matmul(probabilities, v))
    return [o.contiguous(o.transpose(out, 1, 2))] as const
  })
}
