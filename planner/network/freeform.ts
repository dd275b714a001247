import type { FreeformBlock, FreeformSpec } from '../../models/spec.ts'
import type { Parameter, Shorthand, Tensor } from '../ops/ops.ts'
import { type Axis, axis } from '../trace/axes.ts'
import { Refusal } from '../trace/errors.ts'
import type { TrainSpec } from '../training/spec.ts'
import { activation } from './activation.ts'
import { eagerAttention, sdpaAttention } from './attention.ts'
import { Builder } from './builder.ts'
import { dropout } from './dropout.ts'
import { embed } from './embedding.ts'
import { linear } from './linear.ts'
import { causalLoss } from './loss.ts'
import { causalMask } from './mask.ts'
import type { Batch, Network } from './network.ts'
import { layerNorm, rmsNorm } from './norm.ts'
import { applyRotary } from './rotary.ts'

type Attention = Extract<FreeformBlock, { block: 'attention' }>
type Mlp = Extract<FreeformBlock, { block: 'mlp' }>

/** What every block is handed beside the stream: made once a forward. */
interface Shared<T> {
  readonly positions: T
  readonly mask: T | null
  readonly tables: ReadonlyMap<number, readonly [cos: T, sin: T]>
}

/** A block ready to run: the stream `[b, t, h]` in and out. */
type Run = <T extends Tensor>(o: Shorthand<T>, x: T, shared: Shared<T>) => T

/** A described decoder (docs/descriptions.md): embedding, blocks, head; its parts are those of the known families. */
export function freeform(spec: FreeformSpec, train: TrainSpec): Network {
  if (train.checkpointing !== 'none') {
    const message = 'a described architecture does not say which of its blocks is a layer to compute again'
    throw new Refusal('not-modelled', '--gradient-checkpointing', message, 'Leave it out.')
  }
  if (train.padding) {
    throw new Refusal('not-modelled', '--padding', 'a padded batch is not modelled here', 'Leave it out.')
  }
  const b = new Builder(train)
  const [batch, tokens] = [axis('b', train.batch), axis('t', train.tokens)]
  const [first, ...rest] = spec.blocks
  const last = rest.at(-1)
  if (first?.block !== 'embedding' || last?.block !== 'head') {
    throw new Refusal(
      'not-modelled',
      'blocks',
      'a description begins with an embedding and ends with a head',
      'Add them.',
    )
  }
  const h = axis('h', first.width)
  const vocab = axis('V', last.vocab)
  const words = b.weight(`${first.name}.weight`, [axis('V', first.vocab), h])
  const inner = list(rest.slice(0, -1), '')
  const widths = new Set<number>()
  const tables = rotaryTables(spec.blocks)
  const head = b.linear(last.name, h, vocab, last.tied ? { head: 'vocabulary', tied: words } : { head: 'vocabulary' })

  function list(blocks: readonly FreeformBlock[], path: string): Run {
    const runs = blocks.map((block) => one(block, `${path}${block.name}`))
    return (o, x, shared) =>
      o.call([x], (s) => {
        let y = s.let(x)
        for (const run of runs) y = s.set(y, run(o, y, shared))
        return y
      })
  }

  function one(block: FreeformBlock, path: string): Run {
    switch (block.block) {
      case 'norm':
        return norm(block, path)
      case 'dropout':
        return (o, x) => dropout(o, path, block.p, x)
      case 'attention':
        return attention(block, path)
      case 'mlp':
        return mlp(block, path)
      case 'positions':
        return learned(b.weight(`${path}.weight`, [axis('positions', block.positions), h]), path)
      case 'residual':
        return residual(list(block.of, `${path}.`), path)
      case 'repeat': {
        const copies = Array.from({ length: block.times }, (_, i) => list(block.of, `${path}.${i}.`))
        return (o, x, shared) =>
          o.call([x], (s) => {
            let y = s.let(x)
            copies.forEach((run, i) => {
              const given = y
              y = s.set(
                y,
                o.module(`${path}.${i}`, [given], () => run(o, given, shared)),
              )
            })
            return y
          })
      }
      case 'embedding':
      case 'head':
        throw new Refusal(
          'not-modelled',
          path,
          `${block.block} stands only at the ${block.block === 'head' ? 'end' : 'beginning'}`,
          'Move it.',
        )
    }
  }

  function norm({ kind, eps }: Extract<FreeformBlock, { block: 'norm' }>, path: string): Run {
    const weight = b.weight(`${path}.weight`, [h])
    if (kind === 'rms') return (o, x) => rmsNorm(o, { path, weight, eps }, x)
    const bias = b.weight(`${path}.bias`, [h])
    return (o, x) => layerNorm(o, { path, weight, bias, eps }, x)
  }

  function learned(table: Parameter, path: string): Run {
    return (o, x, { positions }) =>
      o.add(
        x,
        o.module(path, [positions], () => o.embedding(o.parameter(table), positions)),
      )
  }

  function residual(run: Run, path: string): Run {
    return (o, x, shared) => o.module(path, [x], () => o.add(x, run(o, x, shared)))
  }

  function attention(block: Attention, path: string): Run {
    if (!block.causal) {
      throw new Refusal(
        'not-modelled',
        path,
        'attention in both directions has no loss to train here',
        'Say causal: true.',
      )
    }
    const d = axis('d', block.headDim)
    const [heads, kvHeads] = [axis('a', block.heads), axis('k', block.kvHeads)]
    const wide = (n: Axis): Axis => (n.size * d.size === h.size ? h : axis(`${n.name}·d`, n.size * d.size))
    const bias = { bias: block.bias }
    const q = b.linear(`${path}.q_proj`, h, wide(heads), bias)
    const k = b.linear(`${path}.k_proj`, h, wide(kvHeads), bias)
    const v = b.linear(`${path}.v_proj`, h, wide(kvHeads), bias)
    const out = b.linear(`${path}.o_proj`, wide(heads), h, bias)
    return (o, x, { mask, tables: made }) =>
      o.module(path, [x], (s) => {
        const split = <T extends Tensor>(p: Shorthand<T>, y: T, n: Axis): T =>
          p.transpose(p.view(y, [batch, tokens, n, d]), 1, 2)
        let query = s.let(split(o, linear(o, q, x), heads))
        let key = s.let(split(o, linear(o, k, x), kvHeads))
        const value = s.let(split(o, linear(o, v, x), kvHeads))
        const table = block.rotary ? made.get(block.headDim) : undefined
        if (table) {
          const [rotatedQ, rotatedK] = applyRotary(o, query, key, table[0], table[1])
          query = s.set(query, rotatedQ)
          key = s.set(key, rotatedK)
        }
        const attend = train.attention === 'eager' ? eagerAttention : sdpaAttention
        const scale = block.headDim ** -0.5
        const [attended, weights] = attend(o, {
          q: query,
          k: key,
          v: value,
          mask,
          dropout: 0,
          scale,
          causal: true,
          upcast: true,
        })
        let y = s.let(attended)
        if (weights) s.let(weights)
        y = s.set(y, o.reshape(y, [batch, tokens, wide(heads)]))
        y = s.set(y, linear(o, out, y))
        return y
      })
  }

  function mlp(block: Mlp, path: string): Run {
    const f = axis('f', block.inner)
    const bias = { bias: block.bias }
    const gate = block.gated ? b.linear(`${path}.gate_proj`, h, f, bias) : null
    const up = b.linear(`${path}.up_proj`, h, f, bias)
    const down = b.linear(`${path}.down_proj`, f, h, bias)
    const act = <T extends Tensor>(o: Shorthand<T>, y: T): T => activation(o, `${path}.act_fn`, block.activation, y)
    return (o, x) =>
      o.module(path, [x], () => {
        const wide = gate ? o.mul(act(o, linear(o, gate, x)), linear(o, up, x)) : act(o, linear(o, up, x))
        return linear(o, down, wide)
      })
  }

  /** A table of frequencies for each head width that rotates. */
  function rotaryTables(blocks: readonly FreeformBlock[]): { width: number; frequencies: Parameter }[] {
    return blocks.flatMap((block) => {
      if ('of' in block) return rotaryTables(block.of)
      if (block.block !== 'attention' || !block.rotary || widths.has(block.headDim)) return []
      widths.add(block.headDim)
      const half = [axis('d/2', block.headDim / 2)]
      const init = { kind: 'inverse_frequencies', theta: 10_000 } as const
      return [
        { width: block.headDim, frequencies: b.buffer(`rotary_${block.headDim}.inv_freq`, half, 'float32', init) },
      ]
    })
  }

  const ids = { axes: [batch, tokens], dtype: 'int64' } as const
  return {
    ...b.declared(),
    inputs: [
      { name: 'input_ids', ...ids },
      { name: 'labels', ...ids },
    ],
    forward<T extends Tensor>(o: Shorthand<T>, { input_ids, labels }: Batch<T>) {
      return o.call([], (s) => {
        let x = s.let(embed(o, train, first.name, words, input_ids!))
        const positions = s.let(o.unsqueeze(o.run('positions', [], { axes: [tokens] }), 0))
        const mask = causalMask(o, train, { batch, tokens, dtype: x.dtype, window: null, padding: null })
        if (mask) s.let(mask)
        const made = new Map<number, readonly [T, T]>()
        for (const { width, frequencies } of tables) {
          const attributes = { width: axis('d', width), theta: 10_000, scaling: 1, dtype: x.dtype }
          const [cos, sin] = o.runAll('rotary_table', [o.parameter(frequencies), positions], attributes)
          made.set(width, [s.let(cos!), s.let(sin!)])
        }
        x = s.set(x, inner(o, x, { positions, mask, tables: made }))
        const logits = s.let(linear(o, head, x))
        const loss = s.let(causalLoss(o, logits, labels!, vocab))
        return [logits, loss] as const
      })
    },
  }
}
