import type { Parameter, Shorthand, Tensor } from '../ops/ops.ts'
import { type Axis, axis } from '../trace/axes.ts'
import type { TrainSpec } from '../training/spec.ts'
import type { Builder } from './builder.ts'
import { dropout } from './dropout.ts'
import { embed } from './embedding.ts'
import { type Linear, linear } from './linear.ts'
import { causalLoss } from './loss.ts'
import { causalMask } from './mask.ts'
import type { Batch, Network } from './network.ts'

/** What every layer is handed: the mask, and tables `[1, t, rotary width]`. */
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
}

/** A causal decoder with rotary positions, in the parts in which its modeling file differs from others. */
export interface RotaryDecoder {
  readonly train: TrainSpec
  readonly builder: Builder
  /** `model`, `gpt_neox` */
  readonly path: string
  readonly embedding: { readonly path: string; readonly weight: Parameter }
  /** Of the embedding. `named` apart: the name of what it drops out of stays (GPT-NeoX). */
  readonly dropout: { readonly path: string; readonly p: number; readonly apart: boolean } | null
  readonly rotary: Rotary
  readonly window: number | null
  readonly vocab: Axis
  /** Paths of the layers. */
  readonly layers: readonly string[]
  readonly head: Linear
  /** A layer's forward: x `[b, t, h]`. */
  layer<T extends Tensor>(o: Shorthand<T>, index: number, x: T, around: Around<T>): T
  norm<T extends Tensor>(o: Shorthand<T>, x: T): T
}

/** Declares both buffers of a rotary embedding of `width` columns. */
export function declareRotary(b: Builder, path: string, width: number, theta: number): Rotary {
  const half = axis('d/2', width / 2)
  const init = { kind: 'inverse_frequencies', theta } as const
  const table = b.buffer(`${path}.inv_freq`, [half], 'float32', init)
  b.buffer(`${path}.original_inv_freq`, [half], 'float32', init)
  return { path, width: axis('d', width), theta, table }
}

/** The model and its causal language modeling head, as the modeling files of transformers 5 write them alike. */
export function rotaryDecoder(m: RotaryDecoder): Network {
  const { train } = m
  const [batch, tokens] = [axis('b', train.batch), axis('t', train.tokens)]

  function layer<T extends Tensor>(o: Shorthand<T>, i: number, input: T, positions: T, around: Around<T>): T {
    const { mask, cos, sin } = around
    const captured = mask ? [mask, positions, cos, sin] : [positions, cos, sin]
    return o.module(m.layers[i]!, [input], () =>
      o.checkpoint(train.checkpointing, [input], captured, ([x]) => m.layer(o, i, x!, around)),
    )
  }

  function model<T extends Tensor>(o: Shorthand<T>, ids: T, padding: T | null): T {
    return o.module(m.path, [ids], (s) => {
      let embedded = s.let(embed(o, train, m.embedding.path, m.embedding.weight, ids))
      const positions = s.let(o.unsqueeze(o.run('positions', [], { axes: [tokens] }), 0))
      const mask = causalMask(o, train, { batch, tokens, dtype: embedded.dtype, window: m.window, padding })
      if (mask) s.let(mask)
      if (m.dropout && !m.dropout.apart) {
        embedded = s.set(embedded, dropout(o, m.dropout.path, m.dropout.p, embedded))
      }
      let x = s.let(m.dropout?.apart ? dropout(o, m.dropout.path, m.dropout.p, embedded) : embedded)
      const { path, table, width, theta } = m.rotary
      const [cos, sin] = o.module(path, [x, positions], () =>
        o.runAll('rotary_table', [o.parameter(table), positions], { width, theta, scaling: 1, dtype: x.dtype }),
      ) as readonly [T, T]
      s.let(cos)
      s.let(sin)
      for (const i of m.layers.keys()) x = s.set(x, layer(o, i, x, positions, { mask, cos, sin }))
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
        const logits = s.let(linear(o, m.head, x))
        const loss = s.let(causalLoss(o, logits, labels!, m.vocab))
        return [logits, loss] as const
      })
    },
  }
}
