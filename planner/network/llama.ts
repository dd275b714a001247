import type { LlamaSpec } from '../../models/spec.ts'
import type { Checkpointing, Parameter, Shorthand, Tensor } from '../ops/ops.ts'
import { type Axis, axis } from '../trace/axes.ts'
import type { TrainSpec } from '../training/spec.ts'
import { attentionOf } from './attention.ts'
import { Builder } from './builder.ts'
import { embed } from './embedding.ts'
import { fusedLora, withFusedAdapters } from './fused-lora.ts'
import { declareGatedMlp, type GatedMlp, gatedMlp } from './gated-mlp.ts'
import {
  attendHeads,
  declareGroupedAttention,
  type GroupedAttention,
  headAxes,
  splitHeads,
} from './grouped-attention.ts'
import type { Library } from './library.ts'
import { linear } from './linear.ts'
import { causalLoss, fastCausalLoss, ligerLoss } from './loss.ts'
import { causalMask } from './mask.ts'
import type { Batch, Network } from './network.ts'
import { fastNorm, gemmaNorm, type RmsNorm, rmsNorm } from './norm.ts'
import { applyFastRotary, applyRotary } from './rotary.ts'
import { partOf, stageNetwork } from './stage.ts'
import { planOf } from './tensor-parallel.ts'

interface Layer {
  readonly path: string
  readonly checkpointing: Checkpointing
  readonly attention: GroupedAttention
  /** The table of its own rotary embedding, where it asks that. */
  readonly rotary: Parameter | null
  readonly mlp: GatedMlp
  /** Of queries and keys, head by head (Qwen3). */
  readonly headNorms: readonly [q: RmsNorm, k: RmsNorm] | null
  readonly inputNorm: RmsNorm
  readonly postNorm: RmsNorm
}

/** What every layer is handed; tables only where the model makes them. */
interface Shared<T> {
  readonly positions: T
  readonly mask: T | null
  readonly tables: Tables<T> | null
}

/** cos and sin `[1, t, d]`. */
type Tables<T> = readonly [cos: T, sin: T]

/** modeling_llama.py, modeling_mistral.py, modeling_qwen2.py, modeling_qwen3.py, modeling_gemma.py: decoder with rotary positions, grouped keys and a gated MLP. */
export function llama(spec: LlamaSpec, train: TrainSpec, library: Library): Network {
  const b = new Builder(train, library, planOf(spec, train))
  const [h, f, vocab] = [axis('h', spec.hidden), axis('f', spec.intermediate), axis('V', spec.vocab)]
  const axes = headAxes(spec, train)
  const { batch, tokens, d } = axes
  const part = partOf(train)
  const embedding = part.first ? b.table('model.embed_tokens.weight', [vocab, h]) : null
  const scale =
    spec.scaled && part.first
      ? b.buffer('model.embed_tokens.embed_scale', [], train.dtype, { kind: 'constant', value: Math.sqrt(spec.hidden) })
      : null
  const ownRotary = library.layerRotary.get(spec.modelType) ?? null
  const layers = Array.from({ length: spec.layers }, (_, i) => layer(`model.layers.${part.from + i}`))
  const norm = part.last ? rms('model.norm') : null
  const isFast = train.fusedKernels === 'foak'
  const normalize = isFast ? fastNorm : spec.scaled ? gemmaNorm : rmsNorm
  const table = ownRotary === 'instead' ? null : rotaryTable('model')
  const tied = spec.tied && embedding ? { tied: embedding } : {}
  const head = part.last ? b.linear('lm_head', h, vocab, { head: 'vocabulary', ...tied }) : null

  /** Declares a rotary embedding's buffers; the one it turns by. */
  function rotaryTable(path: string): Parameter {
    const frequencies = { kind: 'inverse_frequencies', theta: spec.ropeTheta } as const
    const [invFreq] = library.rotaryBuffers.map((name) =>
      b.buffer(`${path}.rotary_emb.${name}`, [axis('d/2', spec.headDim / 2)], 'float32', frequencies),
    )
    return invFreq!
  }

  function rms(path: string, width: Axis = h): RmsNorm {
    return { path, weight: b.weight(`${path}.weight`, [width]), eps: spec.normEps }
  }

  function layer(path: string): Layer {
    const biases = { bias: spec.qkvBias, outputBias: spec.outputBias }
    const own = ownRotary && rotaryTable(`${path}.self_attn`)
    return {
      path,
      rotary: ownRotary === 'instead' ? own : null,
      checkpointing: b.checkpointing(),
      attention: withFusedAdapters(declareGroupedAttention(b, `${path}.self_attn`, h, axes, biases), train),
      headNorms: spec.headNorms ? [rms(`${path}.self_attn.q_norm`, d), rms(`${path}.self_attn.k_norm`, d)] : null,
      mlp: declareGatedMlp(b, `${path}.mlp`, [h, f], { activation: spec.activation, bias: spec.mlpBias }),
      inputNorm: rms(`${path}.input_layernorm`),
      postNorm: rms(`${path}.post_attention_layernorm`),
    }
  }

  function attention<T extends Tensor>(
    o: Shorthand<T>,
    m: Layer,
    x: T,
    { positions, mask, tables }: Shared<T>,
  ): readonly T[] {
    const { path, q, k, v } = m.attention
    return o.module(path, [x], (s) => {
      // The first of three fused ones makes what all give out.
      const made = q.fused ? o.module(q.path, [x], () => fusedLora(o, [q, k, v], x)) : null
      const projected = [q, k, v].map((part, i) => () => made?.[i] ?? linear(o, part, x))
      // All three before the first is split, where attention is written out.
      const before = library.attention === 'inline' ? projected.map((make) => s.let(make())) : null
      const split = (i: 0 | 1 | 2, n: Axis, norm: RmsNorm | null = null): T => {
        const heads = (y: T): T => splitHeads(o, axes, y, n, (apart) => (norm ? rmsNorm(o, norm, apart) : apart))
        return before ? s.set(before[i]!, heads(before[i]!)) : s.let(heads(projected[i]!()))
      }
      const query = split(0, axes.heads, m.headNorms?.[0])
      const key = split(1, axes.kvHeads, m.headNorms?.[1])
      const value = split(2, axes.kvHeads)
      const attend = attentionOf(train, library, spec.modelType)
      const rotate = isFast ? applyFastRotary : applyRotary
      const how = {
        attend,
        dropout: spec.attentionDropout,
        scale: spec.headDim ** -0.5,
        window: spec.slidingWindow,
        rotate,
      }
      const [cos, sin] = tables ?? rotary(o, path, m.rotary!, [value, positions])
      if (!tables) for (const t of [cos, sin]) s.let(t)
      return attendHeads(o, s, m.attention, [query, key, value], { mask, cos, sin }, how)
    })
  }

  function decoderLayer<T extends Tensor>(o: Shorthand<T>, m: Layer, input: T, shared: Shared<T>): T {
    const { positions, mask, tables } = shared
    const whole = mask ? [positions, mask] : [positions]
    const asArguments = library.checkpointed === 'arguments'
    const args = asArguments ? [input, ...whole] : [input]
    const captured = [...(asArguments ? [] : whole), ...(tables ?? [])]
    return o.module(m.path, [input], () =>
      o.checkpoint(m.checkpointing, args, captured, ([x, at, given]) =>
        layerBody(o, m, x!, { positions: at ?? positions, mask: given ?? mask, tables }),
      ),
    )
  }

  function layerBody<T extends Tensor>(o: Shorthand<T>, m: Layer, input: T, shared: Shared<T>): T {
    return o.call([], (s) => {
      let x = s.let(input)
      let residual = s.let(x)
      x = s.set(x, normalize(o, m.inputNorm, x))
      const [attended, weights] = attention(o, m, x, shared)
      x = s.set(x, attended!)
      if (weights) s.let(weights)
      x = s.set(x, o.add(residual, x))
      residual = s.set(residual, x)
      x = s.set(x, normalize(o, m.postNorm, x))
      x = s.set(x, gatedMlp(o, m.mlp, x))
      x = s.set(x, o.add(residual, x))
      return x
    })
  }

  /** `given`: ids, or hidden states that another stage has made. */
  function model<T extends Tensor>(o: Shorthand<T>, given: T, padding: T | null): T {
    return o.module('model', [given], (s) => {
      const embedded = s.let(embedding ? embed(o, train, 'model.embed_tokens', embedding, given, scale) : given)
      const positions = s.let(o.unsqueeze(o.run('positions', [], { axes: [tokens] }), 0))
      const at = { batch, tokens, dtype: embedded.dtype, window: spec.slidingWindow, padding }
      const mask = causalMask(o, train, spec.modelType === 'mistral' ? { ...at, helper: 'mistral' } : at, library)
      if (mask) s.let(mask)
      let x = s.let(embedded)
      const tables = table && rotary(o, 'model', table, [x, positions])
      if (tables) for (const t of tables) s.let(t)
      for (const m of layers) x = s.set(x, decoderLayer(o, m, x, { positions, mask, tables }))
      if (library.layerOutputs) s.let(x)
      if (norm) x = s.set(x, normalize(o, norm, x))
      return x
    })
  }

  /** `rotary_emb(x, position_ids)` of the module at `path`: in the type of `x`. */
  function rotary<T extends Tensor>(
    o: Shorthand<T>,
    path: string,
    table: Parameter,
    [x, positions]: [T, T],
  ): Tables<T> {
    const scaling = ownRotary === 'instead' ? null : 1
    const how = { width: d, theta: spec.ropeTheta, scaling, dtype: x.dtype }
    return o.module(`${path}.rotary_emb`, [x, positions], () => {
      const [cos, sin] = o.runAll('rotary_table', [o.parameter(table), positions], how)
      return [cos!, sin!] as const
    })
  }

  const ids = { axes: [batch, tokens], dtype: 'int64' } as const
  if (train.parallelism?.pipeline) {
    const hidden = { axes: [batch, tokens, h], dtype: train.dtype }
    const forward = <T extends Tensor>(o: Shorthand<T>, x: T): T => model(o, x, null)
    return { ...b.declared(), ...stageNetwork(train, part, { hidden, vocab, head, forward }) }
  }
  return {
    ...b.declared(),
    inputs: [
      { name: 'input_ids', ...ids },
      { name: 'labels', ...ids },
      ...(train.padding ? [{ name: 'attention_mask', ...ids } as const] : []),
    ],
    forward<T extends Tensor>(o: Shorthand<T>, { input_ids, labels, attention_mask = undefined }: Batch<T>) {
      if (!head) throw new Error('a stage has no forward of its own')
      const run = () => model(o, input_ids!, attention_mask ?? null)
      if (train.fusedLoss) {
        const fused = { shift: library.shift, version: isFast ? 'foak' : library.liger } as const
        return [null, o.call([], (s) => s.let(ligerLoss(o, s.let(run()), head, labels!, fused)))] as const
      }
      return o.call([], (s) => {
        const x = s.let(run())
        const made = linear(o, head, x)
        const logits = s.let(library.wideLogits ? o.to(made, 'float32') : made)
        const loss = s.let(
          isFast ? fastCausalLoss(o, logits, labels!, vocab) : causalLoss(o, logits, labels!, vocab, library.shift),
        )
        return [logits, loss] as const
      })
    },
  }
}
