import type { T5Spec } from '../../models/spec.ts'
import type { Checkpointing, Frame, Parameter, Shorthand, Tensor } from '../ops/ops.ts'
import { type Axis, axis, ONE } from '../trace/axes.ts'
import type { DType } from '../trace/dtype.ts'
import { Refusal } from '../trace/errors.ts'
import type { TrainSpec } from '../training/spec.ts'
import { activation } from './activation.ts'
import { eagerAttention } from './attention.ts'
import { Builder } from './builder.ts'
import { dropout } from './dropout.ts'
import { embed } from './embedding.ts'
import type { Library } from './library.ts'
import { type Linear, linear } from './linear.ts'
import { crossEntropy } from './loss.ts'
import { bidirectionalMask } from './mask.ts'
import type { Batch, Network } from './network.ts'
import { type RmsNorm, t5Norm } from './norm.ts'
import { attendInline, inlineMasks, lengthSoFar, type Masks } from './t5-inline.ts'

interface Attention {
  readonly path: string
  readonly q: Linear
  readonly k: Linear
  readonly v: Linear
  readonly o: Linear
  /** `[buckets, a]`, in the first layer of a stack. */
  readonly bias: Parameter | null
}

interface FeedForward {
  readonly path: string
  /** One matrix, or gate and linear. */
  readonly wi: readonly Linear[]
  readonly wo: Linear
}

interface Block {
  readonly path: string
  readonly checkpointing: Checkpointing
  readonly self: Attention
  readonly selfNorm: RmsNorm
  readonly cross: Attention | null
  readonly crossNorm: RmsNorm | null
  readonly ff: FeedForward
  readonly ffNorm: RmsNorm
}

interface Stack {
  readonly path: string
  readonly blocks: readonly Block[]
  readonly norm: RmsNorm
}

/** What a stack is called with: the decoder reads the encoder's result and keeps its keys and values in a cache. */
interface Reading<T> {
  readonly memory: T
  /** The batch's own mask. */
  readonly padding: T | null
  /** The cache lives until the model's forward returns (decoder.config.use_cache stays on in training). */
  readonly cache: Frame<T>
}

/** What a call of attention is handed beside its input. */
interface Given<T> {
  readonly mask: T | null
  /** The first layer's, from the second on. */
  readonly bias: T | null
  readonly reading: Reading<T> | null
  readonly crosses: boolean
  readonly positions: T | null
}

/** modeling_t5.py, T5ForConditionalGeneration: pre-norm encoder-decoder, relative position biases shared by a stack's layers. */
export function t5(spec: T5Spec, train: TrainSpec, library: Library): Network {
  if (train.attention !== 'eager') {
    throw new Refusal(
      'not-modelled',
      '--attention',
      'sdpa of T5, whose position bias trains: its kernel works out scores to give it a gradient, and that is not modelled',
      'Say --attention eager.',
    )
  }
  if (train.checkpointing === 'reentrant') {
    const message = 'reentrant checkpointing of T5, whose blocks have three results, is not modelled'
    throw new Refusal('not-modelled', '--gradient-checkpointing', message, 'Say non-reentrant.')
  }
  if (train.checkpointing !== 'none' && library.t5.attention === 'inline') {
    const message = `checkpointing of T5 is not modelled as ${library.name} has it`
    throw new Refusal('not-modelled', '--gradient-checkpointing', message, 'Leave out --stack.')
  }
  if (train.dtype === 'float16') {
    const message = 'T5 in float16 (its blocks clamp what overflows, and wo stays in float32) is not modelled'
    throw new Refusal('not-modelled', '--dtype', message, 'Say --dtype bfloat16.')
  }
  if (train.quantize) {
    const message = 'a 4-bit T5, whose wo stays in float32 (_keep_in_fp32_modules), is not modelled'
    throw new Refusal('not-modelled', '--quantize', message, 'Leave it out.')
  }
  const inline = library.t5.attention === 'inline'
  const b = new Builder(train, library)
  const [h, f, vocab] = [axis('h', spec.hidden), axis('f', spec.intermediate), axis('V', spec.vocab)]
  const [batch, sources, targets] = [axis('b', train.batch), axis('s', train.tokens), axis('t', train.targetTokens)]
  const [heads, d] = [axis('a', spec.heads), axis('d', spec.headDim)]
  const inner = spec.heads * spec.headDim === spec.hidden ? h : axis('a·d', spec.heads * spec.headDim)

  const shared = b.weight('shared.weight', [vocab, h])
  const encoder = stack('encoder', spec.layers, false)
  const decoder = stack('decoder', spec.decoderLayers, true)
  const tied = spec.tied || library.t5.headTied ? { tied: shared } : {}
  const head = b.linear('lm_head', h, vocab, { head: 'vocabulary', ...tied })

  function stack(path: string, layers: number, decodes: boolean): Stack {
    const blocks = Array.from({ length: layers }, (_, i) => block(`${path}.block.${i}`, i === 0, decodes))
    return { path, blocks, norm: norm(`${path}.final_layer_norm`) }
  }

  function norm(path: string): RmsNorm {
    return { path, weight: b.weight(`${path}.weight`, [h]), eps: spec.normEps }
  }

  function attention(path: string, biased: boolean): Attention {
    return {
      path,
      q: b.linear(`${path}.q`, h, inner),
      k: b.linear(`${path}.k`, h, inner),
      v: b.linear(`${path}.v`, h, inner),
      o: b.linear(`${path}.o`, inner, h),
      bias: biased
        ? b.weight(`${path}.relative_attention_bias.weight`, [axis('buckets', spec.relativeBuckets), heads])
        : null,
    }
  }

  function block(path: string, first: boolean, decodes: boolean): Block {
    const self = attention(`${path}.layer.0.SelfAttention`, first)
    const selfNorm = norm(`${path}.layer.0.layer_norm`)
    const cross = decodes ? attention(`${path}.layer.1.EncDecAttention`, false) : null
    const crossNorm = decodes ? norm(`${path}.layer.1.layer_norm`) : null
    const last = `${path}.layer.${decodes ? 2 : 1}`
    const names = spec.gated ? ['wi_0', 'wi_1'] : ['wi']
    const ff = {
      path: `${last}.DenseReluDense`,
      wi: names.map((name) => b.linear(`${last}.DenseReluDense.${name}`, h, f)),
      wo: b.linear(`${last}.DenseReluDense.wo`, f, h),
    }
    return {
      path,
      checkpointing: b.checkpointing(),
      self,
      selfNorm,
      cross,
      crossNorm,
      ff,
      ffNorm: norm(`${last}.layer_norm`),
    }
  }

  /** compute_bias: `[1, a, t, s]` from a table of buckets. */
  function relativeBias<T extends Tensor>(o: Shorthand<T>, m: Attention, table: Parameter, query: Axis, key: Axis): T {
    return o.call([], (s) => {
      const [made, ...positions] = o.runAll('relative_buckets', [], {
        query,
        key,
        bidirectional: m.path.startsWith('encoder'),
        buckets: spec.relativeBuckets,
        maxDistance: spec.relativeMaxDistance,
      })
      const buckets = s.let(made!)
      for (const p of positions) s.let(p)
      let values = s.let(
        o.module(`${m.path}.relative_attention_bias`, [buckets], () => o.embedding(o.parameter(table), buckets)),
      )
      values = s.set(values, o.unsqueeze(o.permute(values, [2, 0, 1]), 0))
      return values
    })
  }

  /** T5Attention.forward: result `[b, t, h]`, the bias used, the weights. */
  function attend<T extends Tensor>(o: Shorthand<T>, m: Attention, x: T, given: Given<T>): readonly [T, T, T?] {
    const { reading, mask } = given
    const source = given.crosses && reading ? reading.memory : x
    return o.module(m.path, given.bias ? [x, source, given.bias] : [x, source], (s) => {
      const [query, key] = [x.axes[1]!, source.axes[1]!]
      const split = (y: T, t: Axis): T => o.transpose(o.view(y, [batch, t, heads, d]), 1, 2)
      const q = s.let(split(linear(o, m.q, x), query))
      let k = s.let(split(linear(o, m.k, source), key))
      let v = s.let(split(linear(o, m.v, source), key))
      const makeBias = (dtype: DType): T =>
        m.bias ? relativeBias(o, m, m.bias, query, key) : noBias(o, query, key, dtype)
      if (inline) {
        const positions = given.crosses ? null : given.positions
        const isCut = m.bias !== null && library.t5.positions
        const call = { q, k, v, mask, bias: given.bias, isCut, makeBias, positions }
        const [turned, bias] = attendInline(o, s, { ...call, dropout: spec.dropout })
        const whole = s.set(turned, o.view(turned, [batch, query, inner]))
        return [s.set(whole, linear(o, m.o, whole)), bias] as const
      }
      if (reading && library.t5.cache && train.checkpointing === 'none') {
        // DynamicCache.update concatenates to what is there: at first nothing, so a copy.
        const [keys, values] = [reading.cache.let(o.cat([k], 2)), reading.cache.let(o.cat([v], 2))]
        k = s.set(k, keys)
        v = s.set(v, values)
      }
      const bias = s.let(given.bias ?? makeBias(q.dtype))
      const call = { q, k, v, mask, bias, dropout: spec.dropout, scale: 1, causal: false, upcast: false }
      const [attended, weights] = eagerAttention(o, call)
      let out = s.let(attended)
      s.let(weights!)
      out = s.set(out, o.contiguous(o.reshape(out, [batch, query, inner])))
      out = s.set(out, linear(o, m.o, out))
      return [out, bias, weights!] as const
    })
  }

  /** T5Attention.forward: zeros, made to require a gradient under checkpointing. */
  const noBias = <T extends Tensor>(o: Shorthand<T>, query: Axis, key: Axis, dtype: DType): T => {
    const zeros = o.run('constant', [], { axes: [ONE, heads, query, key], dtype, value: 0 })
    return train.checkpointing === 'none' ? zeros : o.requireGrad(zeros)
  }

  /** T5LayerSelfAttention and T5LayerCrossAttention. */
  function attentionLayer<T extends Tensor>(
    o: Shorthand<T>,
    path: string,
    n: RmsNorm,
    m: Attention,
    x: T,
    given: Given<T>,
  ): readonly [T, T, T?] {
    return o.module(path, given.bias ? [x, given.bias] : [x], (s) => {
      const normed = s.let(t5Norm(o, n, x))
      const [attended, used, weights] = attend(o, m, normed, given)
      const out = s.let(attended)
      s.let(used)
      if (weights) s.let(weights)
      const sum = o.add(x, dropout(o, `${path}.dropout`, spec.dropout, out))
      const result = inline ? s.let(sum) : s.set(out, sum)
      return weights ? ([result, used, weights] as const) : ([result, used] as const)
    })
  }

  function dense<T extends Tensor>(o: Shorthand<T>, m: FeedForward, given: T): T {
    const act = (x: T): T => activation(o, `${m.path}.act`, spec.activation, x)
    return o.module(m.path, [given], (s) => {
      const [first, second] = m.wi
      let x: T
      if (second) {
        const gate = s.let(act(linear(o, first!, given)))
        const value = s.let(linear(o, second, given))
        x = s.let(o.mul(gate, value))
      } else {
        x = s.let(linear(o, first!, given))
        x = s.set(x, act(x))
      }
      x = s.set(x, dropout(o, `${m.path}.dropout`, spec.dropout, x))
      // Only autocast leaves x in another type than wo's.
      x = s.set(x, o.to(x, m.wo.weight.dtype))
      x = s.set(x, linear(o, m.wo, x))
      return x
    })
  }

  function feedForward<T extends Tensor>(o: Shorthand<T>, m: Block, given: T): T {
    const path = m.ffNorm.path.replace(/\.layer_norm$/, '')
    return o.module(path, [given], (s) => {
      let x = s.let(t5Norm(o, m.ffNorm, given))
      x = s.set(x, dense(o, m.ff, x))
      return s.let(o.add(given, dropout(o, `${path}.dropout`, spec.dropout, x)))
    })
  }

  /** GradientCheckpointingLayer around T5Block.forward, whose arguments are positional: the result and the biases of the next block. */
  function blockForward<T extends Tensor>(
    o: Shorthand<T>,
    m: Block,
    x: T,
    masks: Masks<T>,
    biases: readonly (T | null)[],
    reading: Reading<T> | null,
  ): readonly T[] {
    const names = [x, masks.self, biases[0] ?? null, reading?.memory ?? null, masks.cross, biases[1] ?? null]
    const there = names.filter((t) => t !== null)
    const pinned = [x, ...biases.filter((t) => t !== null)]
    return o.module(m.path, pinned, () =>
      o.checkpoint(m.checkpointing, there, [], (given) => {
        let next = 0
        const [y, self, bias, memory, cross, crossBias] = names.map((t) => (t === null ? null : given[next++]!))
        const again = reading && { ...reading, memory: memory! }
        return blockBody(
          o,
          m,
          y!,
          { ...masks, self: self ?? null, cross: cross ?? null },
          [bias ?? null, crossBias ?? null],
          again,
        )
      }),
    )
  }

  /** T5Block.forward. */
  function blockBody<T extends Tensor>(
    o: Shorthand<T>,
    m: Block,
    given: T,
    masks: Masks<T>,
    biases: readonly (T | null)[],
    reading: Reading<T> | null,
  ): readonly T[] {
    const { positions } = masks
    return o.call([], (s) => {
      let x = s.let(given)
      const self = attentionLayer(o, `${m.path}.layer.0`, m.selfNorm, m.self, x, {
        mask: masks.self,
        bias: biases[0] ?? null,
        reading,
        crosses: false,
        positions,
      })
      x = s.set(x, self[0])
      if (inline) s.let(x)
      const used = [s.let(self[1])]
      let weights = self[2] && s.let(self[2])
      if (m.cross && m.crossNorm) {
        const length = inline && positions ? s.let(lengthSoFar(o, positions)) : null
        const cross = attentionLayer(o, `${m.path}.layer.1`, m.crossNorm, m.cross, x, {
          mask: masks.cross,
          bias: biases[1] ?? null,
          reading,
          crosses: true,
          positions,
        })
        if (length) s.del(length)
        x = s.set(x, cross[0])
        if (inline) s.let(x)
        used.push(s.let(cross[1]))
        if (weights && cross[2]) weights = s.set(weights, cross[2])
      }
      x = s.set(x, feedForward(o, m, x))
      return [x, ...used]
    })
  }

  /** What T5Stack.forward makes before its blocks run, among its names. */
  function masksOf<T extends Tensor>(
    o: Shorthand<T>,
    s: Frame<T>,
    tokens: Axis,
    dtype: DType,
    reading: Reading<T> | null,
    padding: T | null,
  ): Masks<T> {
    if (inline)
      return inlineMasks(o, s, { batch, tokens, sources: reading && sources, dtype, counts: library.t5.positions })
    const held = (mask: T | null): T | null => mask && s.let(mask)
    const at = { batch, tokens, dtype }
    if (!reading) return { self: held(bidirectionalMask(o, train, { ...at, padding })), cross: null, positions: null }
    const self = s.let(o.run('causal_mask', [null], { ...at, keys: tokens, window: null }))
    const { memory } = reading
    const read = { ...at, keys: sources, dtype: memory.dtype, padding: reading.padding }
    return { self, cross: held(bidirectionalMask(o, train, read)), positions: null }
  }

  function stackForward<T extends Tensor>(
    o: Shorthand<T>,
    m: Stack,
    ids: T,
    tokens: Axis,
    reading: Reading<T> | null,
    padding: T | null = null,
  ): T {
    return o.module(m.path, [ids], (s) => {
      const path = library.t5.embedding === 'own' ? `${m.path}.embed_tokens` : 'shared'
      const embedded = s.let(embed(o, train, path, shared, ids))
      const masks = masksOf(o, s, tokens, embedded.dtype, reading, padding)
      let x = s.let(dropout(o, `${m.path}.dropout`, spec.dropout, embedded))
      let biases: (T | null)[] = [null, null]
      for (const [i, layer] of m.blocks.entries()) {
        const [result, ...used] = blockForward(o, layer, x, masks, biases, reading)
        x = s.set(x, result!)
        // The first layer's biases serve all the others.
        if (i === 0) biases = used.map((t) => s.let(t))
      }
      if (library.layerOutputs) s.let(x)
      x = s.set(x, t5Norm(o, m.norm, x))
      x = s.set(x, dropout(o, `${m.path}.dropout`, spec.dropout, x))
      return x
    })
  }

  return {
    ...b.declared(),
    inputs: [
      { name: 'input_ids', axes: [batch, sources], dtype: 'int64' },
      { name: 'labels', axes: [batch, targets], dtype: 'int64' },
      ...(train.padding ? [{ name: 'attention_mask', axes: [batch, sources], dtype: 'int64' } as const] : []),
    ],
    forward<T extends Tensor>(o: Shorthand<T>, { input_ids, labels, attention_mask = undefined }: Batch<T>) {
      return o.call([], (s) => {
        const padding = attention_mask ?? null
        const memory = s.let(stackForward(o, encoder, input_ids!, sources, null, padding))
        const { decoderStartTokenId: start, padTokenId: pad } = spec
        const ids = s.let(o.run('shift_right', [labels!], { start, pad, ignoreIndex: -100 }))
        const outputs = s.let(stackForward(o, decoder, ids, targets, { memory, padding, cache: s }))
        let x = s.let(outputs)
        // Before transformers 5 it went with a tied head, and the config had no word of its own for it.
        const scaled = library.t5.headTied ? spec.scaled : spec.tied
        if (scaled) x = s.set(x, o.mulScalar(x, spec.hidden ** -0.5))
        const logits = s.let(linear(o, head, x))
        const rows = axis('b·t', batch.size * targets.size)
        const loss = s.let(crossEntropy(o, o.view(logits, [rows, vocab]), o.view(labels!, [rows])))
        return [logits, loss] as const
      })
    },
  }
}
