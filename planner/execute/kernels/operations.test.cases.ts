import type { Runtime } from '../../autograd/runtime.ts'
import { Tape } from '../../autograd/tape.ts'
import type { Leaf, Variable } from '../../autograd/variable.ts'
import type { AttributesOf, OpName } from '../../ops/attributes.ts'
import { type Axes, type Axis, axis, numel, ONE } from '../../trace/axes.ts'
import type { DType } from '../../trace/dtype.ts'

/** An operand of a case; token ids are int64 as in PyTorch. */
export interface Operand {
  readonly axes: Axes
  readonly dtype: DType
  readonly values: readonly number[]
  readonly trains: boolean
}

/** One operation on one set of shapes. */
export interface Case {
  readonly label: string
  readonly op: OpName
  readonly inputs: readonly (Operand | null)[]
  readonly attributes: AttributesOf<OpName>
}

export interface Sizes {
  readonly b: number
  readonly t: number
  readonly h: number
  readonly f: number
  /** Half the width of a head. */
  readonly d: number
  readonly v: number
}

/** Every operation with the shapes in which the networks use it. */
export function casesOf(sizes: Sizes, random: () => number): Case[] {
  const [b, t, h, f] = [axis('b', sizes.b), axis('t', sizes.t), axis('h', sizes.h), axis('f', sizes.f)]
  const [d, half, v] = [axis('d', 2 * sizes.d), axis('d/2', sizes.d), axis('V', sizes.v)]
  const wide: Axes = [b, t, h]
  const make = (axes: Axes, value: () => number, dtype: DType = 'float32'): Operand => ({
    axes,
    dtype,
    values: Array.from({ length: numel(axes) }, value),
    trains: dtype === 'float32',
  })
  const x = (axes: Axes) => make(axes, () => 4 * random() - 2)
  const positive = (axes: Axes) => make(axes, () => 0.5 + 2 * random())
  const ids = (axes: Axes, below: number, from = 0) =>
    make(axes, () => from + Math.floor(random() * (below - from)), 'int64')
  const list: Case[] = []
  function add<N extends OpName>(op: N, attributes: AttributesOf<N>, ...inputs: (Operand | null)[]): void {
    list.push({ label: `${op} ${list.filter((c) => c.op === op).length}`, op, inputs, attributes })
  }
  for (const op of ['add', 'sub', 'mul', 'div'] as const) {
    const second = op === 'div' ? positive : x
    add(op, {}, x(wide), second(wide))
    add(op, {}, x(wide), second([h]))
    add(op, {}, x([h]), second(wide))
    add(op, {}, x(wide), second([b, t, ONE]))
    add(op, {}, x([b, f, t, d]), second([ONE, ONE, t, d]))
  }
  add('add_scalar', { value: 0.75 }, x(wide))
  add('mul_scalar', { value: -1.5 }, x(wide))
  add('neg', {}, x(wide))
  add('pow', { exponent: 2 }, x(wide))
  add('pow', { exponent: 3 }, x(wide))
  add('rsqrt', {}, positive([b, t, ONE]))
  for (const op of ['tanh', 'relu', 'silu'] as const) add(op, {}, x(wide))
  add('gelu', { approximate: 'none' }, x(wide))
  add('gelu', { approximate: 'tanh' }, x(wide))
  add('to', { dtype: 'float32' }, ids([b, t], 9))
  add('dropout', { p: 0.3 }, x(wide))
  add('mean', {}, x(wide))
  add('sum', { at: 1, keep: false }, x(wide))
  add('sum', { at: 2, keep: true }, x(wide))
  add('sum', { at: 1, keep: true }, ids([b, t], 2))
  const some = (axes: Axes, from: number) => ({ ...ids(axes, 5, from), trains: false })
  add('mul_whole', {}, x(wide), some([b, t, ONE], 0))
  add('div_whole', {}, x(wide), some([b, ONE, ONE], 1))
  add('vector_norm', {}, { ...x([f, h]), trains: false })
  add('softmax', {}, x([b, f, t, t]))
  add('log_softmax', {}, x([t, v]))
  add('layer_norm', { eps: 1e-5 }, x(wide), positive([h]), x([h]))
  add('linear', {}, x(wide), x([f, h]), null)
  add('linear', {}, x(wide), x([f, h]), x([f]))
  add('linear', {}, x([t, h]), x([f, h]), x([f]))
  add('conv1d', {}, x([t, h]), x([h, f]), x([f]))
  add('bmm', {}, x([b, t, h]), x([b, h, f]))
  add('view', { axes: [b, axis('t·h', t.size * h.size)] }, x(wide))
  add('reshape', { axes: [axis('b·t', b.size * t.size), h] }, x(wide))
  add('transpose', { a: 1, b: 2 }, x([b, t, f, d]))
  add('transpose', { a: 2, b: 3 }, x([b, f, t, d]))
  add('permute', { order: [2, 0, 1] }, x(wide))
  add('expand', { axes: [b, f, axis('n', 3), t, d] }, x([b, f, ONE, t, d]))
  add('expand', { axes: [b, t, h] }, x([h]))
  add('expand', { axes: wide }, x(wide))
  add('unsqueeze', { at: 1 }, x(wide))
  add('slice', { at: 2, start: half.size, length: half.size, name: 'd/2' }, x([b, t, d]))
  add('slice', { at: 1, start: 0, length: 1 }, x(wide))
  add('slice', { at: 1, start: 1, length: t.size }, { ...ids([b, axis('t+1', t.size + 1)], 9), trains: false })
  add('split', { at: 2, parts: [half, half] }, x([b, t, d]))
  add('split', { at: 1, parts: [axis('t-1', t.size - 1), ONE] }, x(wide))
  add('unbind', { at: 1 }, x([b, axis('3', 3), f, d]))
  add('slice', { at: 1, start: t.size, length: 0 }, x(wide))
  add('cat', { at: 1 }, x(wide), x([b, axis('none', 0), h]))
  add('select', { at: 1, index: 0 }, x(wide))
  add('contiguous', {}, x(wide))
  add('clone', {}, x(wide))
  add('detach', {}, { ...x(wide), trains: false })
  add('cat', { at: 2 }, x([b, t, half]), x([b, t, half]))
  add('cat', { at: 1 }, x(wide), x([b, ONE, h]), x(wide))
  const [queries, pairs] = [axis('a', 4), axis('k', 2)]
  const apart = (n: Axis, tokens: Axis): Axes => [b, n, tokens, d]
  const together = (n: Axis, tokens: Axis): Axes => [b, tokens, n, d]
  const plain = { dropout: 0, scale: 0.6 } as const
  const all = () => [queries, pairs, pairs].map((n) => x(apart(n, t)))
  add('sdpa', { ...plain, causal: true, grouped: true }, ...all(), null)
  const seen = (axes: Axes, hidden: number, dtype: DType): Operand => {
    const s = axes.at(-1)!.size
    const values = Array.from({ length: numel(axes) }, (_, i) =>
      i % s > 0 && random() < 0.4 ? hidden : +(dtype === 'bool'),
    )
    return { axes, dtype, values, trains: false }
  }
  add('sdpa', { ...plain, causal: false, grouped: true }, ...all(), seen([b, ONE, t, t], 0, 'bool'))
  add('sdpa', { ...plain, causal: false, grouped: true }, ...all(), seen([ONE, queries, t, t], -3, 'float32'))
  add('sdpa', { causal: true, grouped: true, dropout: 0.3, scale: 0.6 }, ...all(), null)
  const flash = [queries, pairs, pairs].map((n) => x(together(n, t)))
  add('flash_attn', { ...plain, causal: true, window: null, cap: null }, ...flash)
  add('flash_attn', { ...plain, causal: true, window: null, cap: 1.5 }, ...flash)
  add('flash_attn', { ...plain, causal: true, window: 2, cap: null }, ...flash)
  add('flash_attn', { ...plain, causal: false, window: 2, cap: null }, ...flash)
  const memory = axis('s', f.size + 2)
  const cross = [x(together(queries, t)), x(together(queries, memory)), x(together(queries, memory))]
  add('flash_attn', { ...plain, causal: false, window: null, cap: null }, ...cross)
  add('embedding', {}, x([v, h]), ids([b, t], v.size))
  add('nll_loss', { ignoreIndex: -100 }, x([t, v]), withIgnored(ids([t], v.size)))
  add('positions', { axes: [t] })
  add('positions', { axes: [t], past: false })
  add('add_scalar', { value: 2 }, ids([b, t], 50))
  add('constant', { axes: [b, t], dtype: 'int64', value: 3 })
  add('constant', { axes: [b, t], dtype: 'float32', value: 0.5 })
  const mask = { batch: b, tokens: t, keys: t, dtype: 'float32' } as const
  add('causal_mask', { ...mask, window: null }, null)
  add('causal_mask', { ...mask, window: 2 }, ids([b, t], 2))
  add('causal_mask', { ...mask, window: null, bidirectional: true }, ids([b, t], 2))
  add('causal_mask', { ...mask, window: 1, bidirectional: true }, null)
  add(
    'rotary_table',
    { width: d, theta: 1e4, scaling: 1, dtype: 'float32' },
    { ...positive([half]), trains: false },
    {
      ...ids([ONE, t], 50),
    },
  )
  add('positions_of_mask', {}, ids([b, t], 2))
  add('shifted_ids', { by: 2 }, ids([b, t], 5))
  add('position_ids_after_padding', { padId: 1 }, ids([b, t], 5))
  for (const bidirectional of [true, false]) {
    add('relative_buckets', { query: t, key: f, bidirectional, buckets: 8, maxDistance: 16 })
  }
  add('pad', { value: -100, name: 't+1' }, ids([b, t], 9))
  add('shift_right', { start: 0, pad: 0, ignoreIndex: -100 }, withIgnored(ids([b, t], 9)))
  return list
}

/** The last label is ignored where another one stays. */
function withIgnored(labels: Operand): Operand {
  const { values } = labels
  return { ...labels, values: values.map((x, i) => (i > 0 && i === values.length - 1 ? -100 : x)) }
}

/** Blocks of attention so short that the cases have several. */
export const SHORT_TILE = 2

/** The leaves of a run with their gradients, and what the operation made. */
export interface Ran<D> {
  readonly results: readonly Variable<D>[]
  readonly leaves: readonly (Leaf<D> | null)[]
  /** Lets everything go that the case made. */
  readonly end: () => void
}

/**
 * Runs a case forward and back on a runtime: the incoming gradient is `weights`, by a product with it where the result is of
 * floating type and something trains. `make` makes an operand's tensor, which lives on.
 */
export function drive<D>(
  runtime: Runtime<D>,
  { op, inputs, attributes }: Case,
  make: (operand: Operand) => Variable<D>,
  weights: ((axes: Axes) => Operand) | null,
): Ran<D> {
  const { position } = runtime
  position.phase = 'static'
  const leaves: (Leaf<D> | null)[] = []
  const variables = inputs.map((operand, i) => {
    const v = operand && make(operand)
    leaves.push(v && operand.trains ? leafOf(v, `${op}.${i}`) : null)
    return v
  })
  const tape = new Tape<D>(runtime)
  position.phase = 'forward'
  const results = tape.runAll(op, variables, attributes)
  for (const v of results) tape.hold(v)
  let loss: Variable<D> | null = null
  if (weights && leaves.some((l) => l !== null)) {
    const result = results[0]!
    position.phase = 'static'
    const w = make(weights(result.axes))
    position.phase = 'forward'
    loss = tape.mul(result, w)
    tape.hold(loss)
    position.phase = 'backward'
    tape.backward(loss)
  }
  return {
    results,
    leaves,
    end: () => {
      position.op = 'end'
      for (const leaf of leaves) if (leaf) tape.zeroGrad(leaf)
      if (loss) tape.drop(loss)
      for (const v of results) tape.drop(v)
    },
  }
}

function leafOf<D>(v: Variable<D>, path: string): Leaf<D> {
  const init = { kind: 'constant', value: 0 } as const
  const parameter = { path, axes: v.axes, dtype: v.dtype, trains: true, index: 0, kind: 'parameter', init } as const
  v.requiresGrad = true
  v.leaf = { variable: v, parameter, grad: null }
  return v.leaf
}
