import type { BartSpec } from '../../models/spec.ts'
import type { Checkpointing, Frame, Parameter, Shorthand, Tensor } from '../ops/ops.ts'
import { type Axis, axis, ONE } from '../trace/axes.ts'
import { Refusal } from '../trace/errors.ts'
import type { TrainSpec } from '../training/spec.ts'
import { activation } from './activation.ts'
import { attentionOf } from './attention.ts'
import { Builder } from './builder.ts'
import { embed } from './embedding.ts'
import type { Library } from './library.ts'
import { type Linear, linear } from './linear.ts'
import { crossEntropy } from './loss.ts'
import { bidirectionalMask } from './mask.ts'
import type { Batch, Network } from './network.ts'
import { type LayerNorm, layerNorm } from './norm.ts'

interface Attention {
  readonly path: string
  readonly k: Linear
  readonly v: Linear
  readonly q: Linear
  readonly out: Linear
  readonly heads: Axis
  readonly causal: boolean
  readonly norm: LayerNorm
}

interface Layer {
  readonly path: string
  readonly checkpointing: Checkpointing
  readonly self: Attention
  /** A decoder's, over what the encoder made. */
  readonly cross: Attention | null
  readonly fc1: Linear
  readonly fc2: Linear
  readonly finalNorm: LayerNorm
}

interface Stack {
  readonly path: string
  readonly positions: Parameter
  readonly layers: readonly Layer[]
  readonly norm: LayerNorm
}

/** What a layer is called with beside its input. */
interface Reading<T> {
  readonly mask: T | null
  /** The encoder's result and who sees it, in a decoder. */
  readonly memory: T | null
  readonly memoryMask: T | null
}

/** BartLearnedPositionalEmbedding: the first two rows of the table are nobody's. */
const OFFSET = 2

/** torch.nn.LayerNorm's own. */
const EPS = 1e-5

/** modeling_bart.py, BartForConditionalGeneration: post-norm encoder-decoder, learned positions, a head tied to the words. */
export function bart(spec: BartSpec, train: TrainSpec, library: Library): Network {
  if (train.dtype === 'float16') {
    const message = 'BART in float16, whose encoder looks for what overflows after each layer, is not modelled'
    throw new Refusal('not-modelled', '--dtype', message, 'Say --dtype bfloat16.')
  }
  const b = new Builder(train, library)
  const [h, vocab, places] = [
    axis('h', spec.hidden),
    axis('V', spec.vocab),
    axis('positions+2', spec.positions + OFFSET),
  ]
  const [batch, sources, targets] = [axis('b', train.batch), axis('s', train.tokens), axis('t', train.targetTokens)]
  const scale = spec.scaleEmbedding ? Math.sqrt(spec.hidden) : 1

  const shared = b.weight('model.shared.weight', [vocab, h])
  const encoder = stack('model.encoder', spec.layers, axis('f', spec.intermediate), axis('a', spec.heads), false)
  const decoder = stack('model.decoder', spec.decoderLayers, decoderWidth(), decoderHeads(), true)
  const logitsBias = b.buffer('final_logits_bias', [ONE, vocab], train.dtype)
  const head = b.linear('lm_head', h, vocab, { head: 'vocabulary', tied: shared })

  function decoderWidth(): Axis {
    return axis(spec.decoderIntermediate === spec.intermediate ? 'f' : 'fd', spec.decoderIntermediate)
  }

  function decoderHeads(): Axis {
    return axis(spec.decoderHeads === spec.heads ? 'a' : 'ad', spec.decoderHeads)
  }

  function stack(path: string, count: number, f: Axis, heads: Axis, decodes: boolean): Stack {
    return {
      path,
      positions: b.weight(`${path}.embed_positions.weight`, [places, h]),
      layers: Array.from({ length: count }, (_, i) => layer(`${path}.layers.${i}`, f, heads, decodes)),
      norm: norm(`${path}.layernorm_embedding`),
    }
  }

  function norm(path: string): LayerNorm {
    return { path, weight: b.weight(`${path}.weight`, [h]), bias: b.weight(`${path}.bias`, [h]), eps: EPS }
  }

  function attention(path: string, heads: Axis, causal: boolean): Attention {
    const project = (name: string): Linear => b.linear(`${path}.${name}`, h, h, { bias: true })
    const [k, v, q, out] = [project('k_proj'), project('v_proj'), project('q_proj'), project('out_proj')]
    return { path, k, v, q, out, heads, causal, norm: norm(`${path}_layer_norm`) }
  }

  function layer(path: string, f: Axis, heads: Axis, decodes: boolean): Layer {
    return {
      path,
      checkpointing: b.checkpointing(),
      self: attention(`${path}.self_attn`, heads, decodes),
      cross: decodes ? attention(`${path}.encoder_attn`, heads, false) : null,
      fc1: b.linear(`${path}.fc1`, h, f, { bias: true }),
      fc2: b.linear(`${path}.fc2`, f, h, { bias: true }),
      finalNorm: norm(`${path}.final_layer_norm`),
    }
  }

  /** BartAttention.forward: `[b, t, h]`, and under eager the weights. */
  function attend<T extends Tensor>(o: Shorthand<T>, m: Attention, x: T, from: T, mask: T | null): readonly T[] {
    const d = axis('d', spec.hidden / m.heads.size)
    return o.module(m.path, [x, from], (s) => {
      const split = (y: T): T => o.transpose(o.view(y, [batch, y.axes[1]!, m.heads, d]), 1, 2)
      const q = s.let(split(linear(o, m.q, x)))
      const k = s.let(split(linear(o, m.k, from)))
      const v = s.let(split(linear(o, m.v, from)))
      const settings = { dropout: spec.attentionDropout, scale: d.size ** -0.5, causal: m.causal, upcast: false }
      const [attended, weights] = attentionOf(train, library)(o, { q, k, v, mask, ...settings }, s)
      let out = s.let(attended)
      if (weights) s.let(weights)
      out = s.set(out, o.contiguous(o.reshape(out, [batch, x.axes[1]!, h])))
      out = s.set(out, linear(o, m.out, out))
      return weights ? [out, weights] : [out]
    })
  }

  /** BartEncoderLayer.forward and BartDecoderLayer.forward. */
  function layerBody<T extends Tensor>(
    o: Shorthand<T>,
    m: Layer,
    given: T,
    { mask, memory, memoryMask }: Reading<T>,
  ): T {
    return o.call([], (s) => {
      let x = s.let(given)
      let residual = s.let(x)
      let [attended, weights] = attend(o, m.self, x, x, mask)
      x = s.set(x, attended!)
      if (weights) s.let(weights)
      x = s.set(x, o.dropout(x, spec.dropout))
      x = s.set(x, o.add(residual, x))
      x = s.set(x, layerNorm(o, m.self.norm, x))
      if (m.cross && memory) {
        residual = s.set(residual, x)
        const before = weights
        ;[attended, weights] = attend(o, m.cross, x, memory, memoryMask)
        x = s.set(x, attended!)
        if (before && weights) s.set(before, weights)
        x = s.set(x, o.dropout(x, spec.dropout))
        x = s.set(x, o.add(residual, x))
        x = s.set(x, layerNorm(o, m.cross.norm, x))
      }
      residual = s.set(residual, x)
      x = s.set(x, activation(o, `${m.path}.activation_fn`, spec.activation, linear(o, m.fc1, x)))
      x = s.set(x, o.dropout(x, spec.activationDropout))
      x = s.set(x, linear(o, m.fc2, x))
      x = s.set(x, o.dropout(x, spec.dropout))
      x = s.set(x, o.add(residual, x))
      x = s.set(x, layerNorm(o, m.finalNorm, x))
      return x
    })
  }

  /** Mask and memory are arguments of the checkpointed region, the memory's mask stands in its closure. */
  function runLayer<T extends Tensor>(o: Shorthand<T>, m: Layer, x: T, reading: Reading<T>): T {
    const { mask, memory, memoryMask } = reading
    const args = [x, mask, memory].filter((t) => t !== null)
    const region = ([y, ...rest]: readonly T[]): T =>
      layerBody(o, m, y!, {
        mask: mask && rest[0]!,
        memory: memory && rest.at(-1)!,
        memoryMask,
      })
    return o.module(m.path, args, () => o.checkpoint(m.checkpointing, args, memoryMask ? [memoryMask] : [], region))
  }

  function runLayers<T extends Tensor>(o: Shorthand<T>, s: Frame<T>, m: Stack, first: T, reading: Reading<T>): T {
    let x = first
    for (const one of m.layers) x = s.set(x, runLayer(o, one, x, reading))
    return x
  }

  /** The sum of words and places through its norm and dropout, a name of `s`. */
  function embedded<T extends Tensor>(o: Shorthand<T>, s: Frame<T>, m: Stack, words: T, places: T): T {
    let x = s.let(o.add(words, places))
    x = s.set(x, layerNorm(o, m.norm, x))
    return s.set(x, o.dropout(x, spec.dropout))
  }

  /** BartEncoder.forward: `[b, s, h]` */
  function encode<T extends Tensor>(o: Shorthand<T>, ids: T, padding: T | null): T {
    const m = encoder
    return o.module(m.path, [ids], (s) => {
      const words = s.let(embed(o, train, `${m.path}.embed_tokens`, shared, ids, scale))
      const places = s.let(
        o.module(`${m.path}.embed_positions`, [], (f) => {
          const range = f.let(o.expand(o.run('positions', [], { axes: [sources], past: false }), [batch, sources]))
          return o.embedding(o.parameter(m.positions), o.addScalar(range, OFFSET))
        }),
      )
      const x = embedded(o, s, m, words, places)
      const mask = bidirectionalMask(o, train, { batch, tokens: sources, dtype: words.dtype, padding })
      if (mask) s.let(mask)
      return runLayers(o, s, m, x, { mask, memory: null, memoryMask: null })
    })
  }

  /** BartDecoder.forward: `[b, t, h]` */
  function decode<T extends Tensor>(o: Shorthand<T>, ids: T, memory: T, padding: T | null): T {
    const m = decoder
    return o.module(m.path, [ids, memory], (s) => {
      const words = s.let(embed(o, train, `${m.path}.embed_tokens`, shared, ids, scale))
      const range = s.let(o.run('positions', [], { axes: [targets] }))
      const mask = causalMaskOfOnes(o, s, words)
      const keys = { batch, tokens: targets, keys: sources, dtype: memory.dtype, padding }
      const memoryMask = bidirectionalMask(o, train, keys)
      if (memoryMask) s.let(memoryMask)
      const places = s.let(
        o.module(`${m.path}.embed_positions`, [ids], (f) => {
          const row = f.let(o.unsqueeze(range, 0))
          return o.embedding(o.parameter(m.positions), o.addScalar(row, OFFSET))
        }),
      )
      return runLayers(o, s, m, embedded(o, s, m, words, places), { mask, memory, memoryMask })
    })
  }

  /**
   * The decoder is given no mask and makes one of ones, from which masking_utils.py makes a causal mask as for a padded batch. (Under
   * sdpa a device that may read the values finds no padding and makes none: that is less than what is counted here.) flash-attn is
   * told `causal` once the ones have been read.
   */
  function causalMaskOfOnes<T extends Tensor>(o: Shorthand<T>, s: Frame<T>, words: T): T | null {
    if (train.attention === 'flash_attention_2') return null
    const ones = s.let(o.run('constant', [], { axes: [batch, targets], dtype: 'float32', value: 1 }))
    const dtype = train.attention === 'sdpa' ? 'bool' : words.dtype
    return s.set(ones, o.run('causal_mask', [ones], { batch, tokens: targets, keys: targets, dtype, window: null }))
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
        const { decoderStartTokenId: start, padTokenId: pad } = spec
        const ids = s.let(o.run('shift_right', [labels!], { start, pad, ignoreIndex: -100 }))
        const padding = attention_mask ?? null
        const [memory, x] = o.module('model', [input_ids!, ids], (f) => {
          const made = f.let(encode(o, input_ids!, padding))
          return [made, f.let(decode(o, ids, made, padding))] as const
        })
        s.let(memory!)
        s.let(x!)
        let logits = s.let(linear(o, head, x!))
        logits = s.set(logits, o.add(logits, o.parameter(logitsBias)))
        const rows = axis('b·t', batch.size * targets.size)
        const loss = s.let(crossEntropy(o, o.view(logits, [rows, vocab]), o.view(labels!, [rows])))
        return [logits, loss] as const
      })
    },
  }
}
