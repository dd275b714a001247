import type { Frame, Parameter, Shorthand, Tensor } from '../ops/ops.ts'
import { type Axis, axis } from '../trace/axes.ts'
import type { DType } from '../trace/dtype.ts'
import type { TrainSpec } from '../training/spec.ts'
import type { Builder } from './builder.ts'
import { checkpointingOf } from './checkpointing.ts'
import { dropout } from './dropout.ts'
import { embed } from './embedding.ts'
import { type Linear, linear } from './linear.ts'
import { causalLoss } from './loss.ts'
import { causalMask } from './mask.ts'
import type { Batch, Network } from './network.ts'

/** What a layer is handed: its mask, and tables `[1, t, rotary width]`. */
export interface Around<T> {
  readonly mask: T | null
  readonly cos: T
  readonly sin: T
}

/** The rotary embedding of a model: `inv_freq` of the columns that turn. */
export interface Rotary {
  readonly path: string
  readonly width: Axis
  readonly theta: number
  readonly table: Parameter
  /** Type of its tables; undefined for that of the hidden states. */
  readonly dtype?: DType
}

/** Which of the model's masks and tables a layer is handed. */
export interface Handed {
  readonly mask: number
  readonly rotary: number
}

/** A causal decoder with rotary positions, in the parts in which its modeling file differs from others. */
export interface RotaryDecoder {
  readonly train: TrainSpec
  readonly builder: Builder
  /** `model`, `gpt_neox` */
  readonly path: string
  /** Its rows times `scale` within the module (`GemmaTextScaledWordEmbedding`), and times `multiplier` after it (Granite). */
  readonly embedding: {
    readonly path: string
    readonly weight: Parameter
    readonly scale?: Parameter
    readonly multiplier?: number
  }
  /** Of the embedding. `named` apart: the name of what it drops out of stays (GPT-NeoX). */
  readonly dropout: { readonly path: string; readonly p: number; readonly apart: boolean } | null
  readonly rotaries: readonly Rotary[]
  /** Windows of the masks that are made, in their order; null for a mask of everything before. */
  readonly windows: readonly (number | null)[]
  /** Default: the first of both for every layer. */
  readonly handed?: (layer: number) => Handed
  readonly vocab: Axis
  /** Paths of the layers. */
  readonly layers: readonly string[]
  readonly head: Linear
  /** A layer's forward: x `[b, t, h]`. */
  layer<T extends Tensor>(o: Shorthand<T>, index: number, x: T, around: Around<T>): T
  norm<T extends Tensor>(o: Shorthand<T>, x: T): T
  /** What is made of the head's result before it is the logits. */
  readonly finish?: Finish
}

/** Reassigns the name `logits` of the frame; hands back what it then holds. */
export type Finish = <T extends Tensor>(o: Shorthand<T>, s: Frame<T>, logits: T) => T

const FIRST: Handed = { mask: 0, rotary: 0 }

/** Declares both buffers of a rotary embedding of `width` columns; `kind` stands before their names where there are several. */
export function declareRotary(b: Builder, path: string, width: number, theta: number, kind = ''): Rotary {
  const half = axis('d/2', width / 2)
  const init = { kind: 'inverse_frequencies', theta } as const
  const table = b.buffer(`${path}.${kind}inv_freq`, [half], 'float32', init)
  b.buffer(`${path}.${kind}original_inv_freq`, [half], 'float32', init)
  return { path, width: axis('d', width), theta, table }
}

/** cos and sin `[1, t, width]` for positions `[1, t]`, in the type of `x` unless the embedding has its own. */
export function rotaryTable<T extends Tensor>(o: Shorthand<T>, m: Rotary, x: T, positions: T): readonly [T, T] {
  const { path, table, width, theta, dtype = x.dtype } = m
  return o.module(path, [x, positions], () =>
    o.runAll('rotary_table', [o.parameter(table), positions], { width, theta, scaling: 1, dtype }),
  ) as readonly [T, T]
}

/** The model and its causal language modeling head, as the modeling files of transformers 5 write them alike. */
export function rotaryDecoder(m: RotaryDecoder): Network {
  const { train } = m
  const [batch, tokens] = [axis('b', train.batch), axis('t', train.tokens)]

  function layer<T extends Tensor>(o: Shorthand<T>, i: number, input: T, positions: T, around: Around<T>): T {
    const { mask, cos, sin } = around
    const captured = mask ? [mask, positions, cos, sin] : [positions, cos, sin]
    return o.module(m.layers[i]!, [input], () =>
      o.checkpoint(checkpointingOf(train, i), [input], captured, ([x]) => m.layer(o, i, x!, around)),
    )
  }

  function model<T extends Tensor>(o: Shorthand<T>, ids: T, padding: T | null): T {
    return o.module(m.path, [ids], (s) => {
      const { path, weight, scale, multiplier } = m.embedding
      let embedded = s.let(embed(o, train, path, weight, ids, scale))
      if (multiplier !== undefined) embedded = s.set(embedded, o.mulScalar(embedded, multiplier))
      const positions = s.let(o.unsqueeze(o.run('positions', [], { axes: [tokens] }), 0))
      const masks = m.windows.map((window) => {
        const mask = causalMask(o, train, { batch, tokens, dtype: embedded.dtype, window, padding })
        return mask && s.let(mask)
      })
      if (m.dropout && !m.dropout.apart) {
        embedded = s.set(embedded, dropout(o, m.dropout.path, m.dropout.p, embedded))
      }
      let x = s.let(m.dropout?.apart ? dropout(o, m.dropout.path, m.dropout.p, embedded) : embedded)
      const tables = m.rotaries.map((rotary) => {
        const [cos, sin] = rotaryTable(o, rotary, x, positions)
        return { cos: s.let(cos), sin: s.let(sin) }
      })
      for (const i of m.layers.keys()) {
        const { mask, rotary } = m.handed?.(i) ?? FIRST
        x = s.set(x, layer(o, i, x, positions, { mask: masks[mask]!, ...tables[rotary]! }))
      }
      x = s.set(x, m.norm(o, x))
      return x
    })
  }

  const ids = { axes: [batch, tokens], dtype: 'int64' } as const
  return {
    ...m.builder.declared(),
    inputs: [
      { name: 'input_ids', ...ids },
      { name: 'labels', ...ids },
      ...(train.padding ? [{ name: 'attention_mask', ...ids } as const] : []),
    ],
    forward<T extends Tensor>(o: Shorthand<T>, { input_ids, labels, attention_mask = undefined }: Batch<T>) {
      return o.call([], (s) => {
        const x = s.let(model(o, input_ids!, attention_mask ?? null))
        const made = s.let(linear(o, m.head, x))
        const logits = m.finish ? m.finish(o, s, made) : made
        const loss = s.let(causalLoss(o, logits, labels!, m.vocab))
        return [logits, loss] as const
      })
    },
  }
}
