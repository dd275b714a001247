import { type Axes, type Axis, numel } from '../trace/axes.ts'
import type { AttributesOf, OpName } from './attributes.ts'

/** An operation's inputs by their shapes; null where one is absent. */
type Shapes = readonly (Axes | null)[]

/** Multiplications and additions of one operation's products. */
interface Count<N extends OpName> {
  forward(inputs: Shapes, attributes: AttributesOf<N>): number
  /** `needs(i)`: a gradient of input `i` is wanted. */
  backward(inputs: Shapes, attributes: AttributesOf<N>, needs: (i: number) => boolean): number
}

const last = (axes: Axes): number => axes.at(-1)?.size ?? 1
const both = (needs: (i: number) => boolean): number => +needs(0) + +needs(1)

/** One product as large as the forward's for each operand that wants a gradient. */
const product = <N extends OpName>(forward: (inputs: Shapes) => number): Count<N> => ({
  forward,
  backward: (inputs, _, needs) => both(needs) * forward(inputs),
})

/** Pairs of a query and a key that it sees by its place, over all heads. */
function pairs(heads: number, queries: number, keys: number, causal: boolean, window: number | null): number {
  if (!causal) return heads * queries * keys
  let seen = 0
  for (let query = 0; query < queries; query++) seen += Math.min(query + 1, keys, window ?? Number.POSITIVE_INFINITY)
  return heads * seen
}

type Attention = 'sdpa' | 'flash_attn'

/** Two products a pair in the forward; in the backward the scores again, dV, dP, dQ and dK (arXiv 2307.08691, section 3.1.1). */
const attention = <N extends Attention>(tokensAt: number, headsAt: number): Count<N> => {
  const one = (
    [q, k]: Shapes,
    { causal, window = null }: { readonly causal: boolean; readonly window?: number | null },
  ): number => {
    const heads = q![0]!.size * q![headsAt]!.size
    return 2 * last(q!) * pairs(heads, q![tokensAt]!.size, k![tokensAt]!.size, causal, window)
  }
  return {
    forward: (inputs, attributes) => 2 * one(inputs, attributes),
    backward: (inputs, attributes, needs) => {
      const scores = needs(0) || needs(1)
      const products = 1 + +scores + +needs(0) + +needs(1) + +needs(2)
      return products * one(inputs, attributes)
    },
  }
}

const linear = ([input, weight]: Shapes): number => 2 * numel(input!) * weight![0]!.size

/** Of linears with an adapter each over one x: the bases' products, and one through each adapter. */
function throughLora([x, ...rest]: Shapes, outputs: readonly Axis[]): readonly [bases: number, adapters: number] {
  const input = last(x!)
  const rows = numel(x!) / input
  const ranks = outputs.map((_, i) => rest[3 * i + 1]![0]!.size)
  const bases = outputs.map(({ size }) => 2 * rows * input * size)
  const adapters = outputs.map(({ size }, i) => 2 * rows * ranks[i]! * (input + size))
  return [sumOf(bases), sumOf(adapters)]
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n, 0)

const outputsOf = (projections: readonly { readonly output: Axis }[]): readonly Axis[] =>
  projections.map((p) => p.output)

/** The weight's shape is its packed one: `output` rows. Only the input gets a gradient. */
const COUNTS: { readonly [N in OpName]?: Count<N> } = {
  linear: product(linear),
  conv1d: product(([input, weight]) => 2 * numel(input!) * last(weight!)),
  linear_4bit: {
    forward: ([input], { output }) => 2 * numel(input!) * output.size,
    backward: ([input], { output }, needs) => +needs(0) * 2 * numel(input!) * output.size,
  },
  linear_8bit: { forward: linear, backward: (inputs, _, needs) => +needs(0) * linear(inputs) },
  bmm: product(([a, b]) => 2 * numel(a!) * last(b!)),
  // Each row meets one expert's matrix, however the rows are shared out.
  grouped_mm: product(([rows, matrices]) => 2 * numel(rows!) * last(matrices!)),
  // The forward makes the gradients as well (liger_kernel/ops/fused_linear_cross_entropy.py).
  fused_linear_cross_entropy: { forward: (inputs) => 3 * linear(inputs), backward: () => 0 },
  // XA and dY·B are worked out again for dA, dB and dX each.
  fused_lora: {
    forward: (inputs, { projections }) => sumOf(throughLora(inputs, outputsOf(projections))),
    backward: (inputs, { projections }) => {
      const [bases, adapters] = throughLora(inputs, outputsOf(projections))
      return bases + 3 * adapters
    },
  },
  sdpa: attention(2, 1),
  flash_attn: attention(1, 2),
}

/** Whether an operation multiplies matrices; what does not goes over its elements. */
export const multiplies = (op: string): boolean => Object.hasOwn(COUNTS, op)

/**
 * Floating-point operations of an operation's matrix products, a multiplication and an addition as two; 0 for what has none. What
 * goes element by element is not counted: bytes moved say how long that takes. Scores that are hidden by their place are counted
 * where a kernel works them out (`bmm`), and are not where it passes them over (`sdpa`, `flash_attn` without a mask).
 */
export function forwardFlops<N extends OpName>(op: N, inputs: Shapes, attributes: AttributesOf<N>): number {
  // The entry under a name is typed by that name.
  return (COUNTS[op] as Count<N> | undefined)?.forward(inputs, attributes) ?? 0
}

/** The same for the operation's backward, by which gradients are wanted. */
export function backwardFlops<N extends OpName>(
  op: N,
  inputs: Shapes,
  attributes: AttributesOf<N>,
  needs: (i: number) => boolean,
): number {
  return (COUNTS[op] as Count<N> | undefined)?.backward(inputs, attributes, needs) ?? 0
}
