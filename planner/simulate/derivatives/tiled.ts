import type { Operation } from '../../autograd/operation.ts'
import { type Sight, type Span, spansOf, spansSeen } from '../../ops/tiles.ts'
import { type Axes, type Axis, axis, ONE } from '../../trace/axes.ts'
import type { Script, TileScripts } from '../dialect.ts'
import { shapeOf, stepsOf } from '../script.ts'
import type { Simulator } from '../simulator.ts'
import type { SimTensor, View } from '../storage.ts'

type AttentionOp = 'sdpa' | 'flash_attn'

/**
 * Attention by blocks on the engines: q, k, v, the result and the row sums are kept, and the mask and a seed where there are such
 * (dropout is drawn again in the backward); never the scores. query `[b, a, t, d]` or as flash-attn takes it `[b, t, a, d]`.
 */
export const tiled = <N extends AttentionOp>(simulator: Simulator, scripts: TileScripts): Operation<View, N> => ({
  forward(call) {
    const [q, k, v, mask] = [call.inputs[0]!, call.inputs[1]!, call.inputs[2]!, call.inputs[3] ?? null]
    const plan = planOf(call.op, call.attributes, q.axes, k.axes, scripts.size)
    call.save('query', q, 'attention scores again')
    call.save('key', k, 'attention scores again')
    call.save('value', v, 'd scores')
    if (mask) call.save('attn_mask', mask, 'attention scores again')
    const [result, lse, seed] = call.kernel(() => {
      const made = [simulator.alloc(q.axes, q.dtype), simulator.alloc([q.axes[0]!, plan.heads, plan.tokens], 'float32')]
      if (call.attributes.dropout > 0) made.push(simulator.alloc([], simulator.dialect.integer))
      for (const rows of spansOf(plan.tokens.size, scripts.size)) {
        const tile = new Tile(simulator, plan, rows)
        tile.run(scripts.open)
        for (const [i, keys] of plan.seen(rows).entries()) tile.run(i === 0 ? scripts.first : scripts.next, keys)
        tile.run(scripts.close)
      }
      return made
    }) as readonly [SimTensor, SimTensor, SimTensor?]
    let stopped = true
    try {
      call.save('result', result, 'd scores by the result')
      call.save('lse', lse, 'softmax again, by row')
      if (seed) call.save('rng', seed, 'random-number state')
      stopped = false
    } finally {
      for (const t of [...(stopped ? [result] : []), lse, ...(seed ? [seed] : [])]) simulator.release(t)
    }
    return [result]
  },
  backward(call) {
    const [q, k, v] = [call.saved('query'), call.saved('key'), call.saved('value')]
    const plan = planOf(call.op, call.attributes, q.axes, k.axes, scripts.size)
    const [query, key, value] = [0, 1, 2].map((i) => call.needs(i)) as [boolean, boolean, boolean]
    const made = [q, k, v].map(({ axes, dtype }, i) => (call.needs(i) ? simulator.alloc(axes, dtype) : null))
    for (const rows of spansOf(plan.tokens.size, scripts.size)) {
      const tile = new Tile(simulator, plan, rows)
      tile.run(scripts.again)
      for (const [i, keys] of plan.seen(rows).entries()) {
        tile.run(scripts.powers, keys)
        if (query || key) tile.run(scripts.dScores, keys)
        if (value) tile.run(scripts.dValue, keys)
        tile.run(scripts.dPowersEnd)
        if (key) tile.run(scripts.dKey, keys)
        if (query) tile.run(i === 0 ? scripts.dQueryFirst : scripts.dQueryNext, keys)
        if (query || key) tile.run(scripts.dScoresEnd)
        tile.run(scripts.tileEnd)
      }
      if (query) tile.run(scripts.dQueryEnd)
      tile.run(scripts.end)
    }
    return call.inputs.map((_, i) => made[i] ?? null)
  },
})

interface Plan {
  readonly heads: Axis
  readonly tokens: Axis
  readonly width: Axis
  /** Batch and key heads, and query heads for each. */
  readonly matrices: number
  readonly groups: number
  readonly seen: (rows: Span) => readonly Span[]
}

function planOf(
  op: AttentionOp,
  attributes: { causal: boolean; window?: number | null },
  q: Axes,
  k: Axes,
  size: number,
): Plan {
  const [heads, tokens] = op === 'sdpa' ? [1, 2] : [2, 1]
  const sight: Sight = { causal: attributes.causal, window: attributes.window ?? null }
  const kv = k[heads]!.size
  return {
    heads: q[heads]!,
    tokens: q[tokens]!,
    width: q[3]!,
    matrices: q[0]!.size * kv,
    groups: q[heads]!.size / kv,
    seen: (rows) => spansSeen(rows, k[tokens]!.size, sight, size),
  }
}

/** The temporaries of one block of queries, by name. */
class Tile {
  readonly #simulator: Simulator
  readonly #plan: Plan
  readonly #rows: Axis
  readonly #named = new Map<string, SimTensor>()

  constructor(simulator: Simulator, plan: Plan, rows: Span) {
    this.#simulator = simulator
    this.#plan = plan
    this.#rows = axis('a/k·tile', plan.groups * rows.length)
  }

  run(script: Script, keys: Span = { start: 0, length: 0 }): void {
    for (const step of stepsOf(script)) {
      if (step.do === 'alloc') {
        const { axes, dtype } = shapeOf(step.shape, (name) => ({ axes: this.#axes(name, keys), dtype: 'float32' }))
        this.#named.set(step.name, this.#simulator.alloc(axes, dtype))
        continue
      }
      const t = this.#named.get(step.do === 'free' ? step.name : step.from)
      if (!t) throw new Error(`a tile has no ${step.name}`)
      if (step.do === 'free') {
        this.#simulator.release(t)
        this.#named.delete(step.name)
      } else {
        this.#named.delete(step.from)
        this.#named.set(step.name, t)
      }
    }
  }

  #axes(name: string, keys: Span): Axes {
    const { matrices, width } = this.#plan
    const first = axis('b·k', matrices)
    const columns = axis('tile', keys.length)
    if (name === 'query') return [first, this.#rows, width]
    if (name === 'key') return [first, columns, width]
    if (name === 'scores') return [first, this.#rows, columns]
    return [first, this.#rows, ONE]
  }
}
