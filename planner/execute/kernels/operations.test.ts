import * as tf from '@tensorflow/tfjs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { AttributesOf, OpName } from '../../ops/attributes.ts'
import { sizes } from '../../trace/axes.ts'
import { loadEngine } from '../engines/load.ts'
import { TESTED_ENGINES } from '../engines/tested.test.cases.ts'
import { Executor } from '../executor.ts'
import { stream } from '../random.ts'
import { type Case, casesOf, drive, type Operand, SHORT_TILE } from './operations.test.cases.ts'

// Gradients of tfjs itself are the oracle: written with other kernels, saved by another tape.

type T = tf.Tensor
type Oracles = { readonly [N in OpName]?: (xs: T[], attributes: AttributesOf<N>) => T }

const last = (x: T) => x.shape.length - 1
const matrix = (x: T) => tf.reshape(x, [-1, x.shape.at(-1)!]) as tf.Tensor2D
const GELU_TANH = (x: T) =>
  tf.mul(
    tf.mul(x, 0.5),
    tf.add(tf.tanh(tf.mul(tf.add(x, tf.mul(tf.mul(x, tf.mul(x, x)), 0.044715)), Math.sqrt(2 / Math.PI))), 1),
  )

const ORACLES: Oracles = {
  add: ([a, b]) => tf.add(a!, b!),
  sub: ([a, b]) => tf.sub(a!, b!),
  mul: ([a, b]) => tf.mul(a!, b!),
  div: ([a, b]) => tf.div(a!, b!),
  add_scalar: ([x], { value }) => tf.add(x!, value),
  mul_scalar: ([x], { value }) => tf.mul(x!, value),
  neg: ([x]) => tf.neg(x!),
  pow: ([x], { exponent }) => tf.pow(x!, exponent),
  rsqrt: ([x]) => tf.rsqrt(x!),
  tanh: ([x]) => tf.tanh(x!),
  relu: ([x]) => tf.relu(x!),
  silu: ([x]) => tf.mul(x!, tf.sigmoid(x!)),
  gelu: ([x], { approximate }) =>
    approximate === 'tanh' ? GELU_TANH(x!) : tf.mul(tf.mul(x!, 0.5), tf.add(tf.erf(tf.mul(x!, Math.SQRT1_2)), 1)),
  to: ([x]) => tf.cast(x!, 'float32'),
  mean: ([x]) => tf.mean(x!, last(x!), true),
  sum: ([x], { at, keep }) => tf.sum(x!, at, keep),
  mul_whole: ([x, n]) => tf.mul(x!, tf.cast(n!, 'float32')),
  div_whole: ([x, n]) => tf.div(x!, tf.cast(n!, 'float32')),
  unbind: ([x], { at }) => tf.unstack(x!, at)[0]!,
  vector_norm: ([x]) => tf.norm(x!, 'euclidean', last(x!)),
  softmax: ([x]) => tf.softmax(x!),
  log_softmax: ([x]) => tf.logSoftmax(x!),
  layer_norm: ([x, weight, bias], { eps }) => {
    const { mean, variance } = tf.moments(x!, last(x!), true)
    return tf.add(tf.mul(tf.div(tf.sub(x!, mean), tf.sqrt(tf.add(variance, eps))), weight!), bias!)
  },
  conv1d: ([x, weight, bias]) => tf.add(tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D), bias!),
  linear: ([x, weight, bias]) => {
    const y = tf.matMul(matrix(x!), weight as tf.Tensor2D, false, true)
    return tf.reshape(bias ? tf.add(y, bias) : y, [...x!.shape.slice(0, -1), weight!.shape[0]!])
  },
  bmm: ([a, b]) => tf.matMul(a!, b!),
  view: ([x], { axes }) => tf.reshape(x!, sizes(axes)),
  reshape: ([x], { axes }) => tf.reshape(x!, sizes(axes)),
  transpose: ([x], { a, b }) =>
    tf.transpose(
      x!,
      x!.shape.map((_, i) => (i === a ? b : i === b ? a : i)),
    ),
  permute: ([x], { order }) => tf.transpose(x!, [...order]),
  expand: ([x], { axes }) => tf.mul(x!, tf.ones(sizes(axes))),
  unsqueeze: ([x], { at }) => tf.expandDims(x!, at),
  slice: ([x], { at, start, length }) =>
    tf.slice(
      x!,
      x!.shape.map((_, i) => (i === at ? start : 0)),
      x!.shape.map((n, i) => (i === at ? length : n)),
    ),
  split: ([x], { at, parts }) => tf.split(x!, sizes(parts), at)[0]!,
  select: ([x], { at, index }) => tf.gather(x!, tf.scalar(index, 'int32'), at),
  contiguous: ([x]) => tf.clone(x!),
  clone: ([x]) => tf.clone(x!),
  detach: ([x]) => tf.clone(x!),
  cat: (xs, { at }) => tf.concat(xs, at),
  embedding: ([weight, ids]) => tf.gather(weight!, ids as tf.Tensor2D),
  sdpa: ([q, k, v, mask], { causal, scale }) =>
    plainAttention(q!, k!, v!, scale, (scores) => {
      if (!mask) return byPlace(causal, null)(scores)
      const bias = mask.dtype === 'bool' ? tf.mul(tf.sub(1, tf.cast(mask, 'float32')), FAR) : mask
      return tf.add(scores, bias)
    }),
  flash_attn: (xs, { causal, scale, window, cap }) => {
    const [q, k, v] = xs.map((x) => tf.transpose(x, [0, 2, 1, 3])) as [T, T, T]
    const capped = (scores: T) => (cap === null ? scores : tf.mul(tf.tanh(tf.div(scores, cap)), cap))
    const hide = byPlace(causal, window)
    return tf.transpose(
      plainAttention(q, k, v, scale, (scores) => hide(capped(scores))),
      [0, 2, 1, 3],
    )
  },
  nll_loss: ([logs, target], { ignoreIndex }) => {
    const kept = tf.cast(tf.notEqual(target!, ignoreIndex), 'float32')
    const chosen = tf.oneHot(tf.cast(tf.maximum(target!, 0), 'int32'), logs!.shape[1]!)
    const each = tf.mul(tf.sum(tf.mul(logs!, chosen), 1), kept)
    return tf.neg(tf.div(tf.sum(each), tf.sum(kept)))
  },
}

/** Plain attention over `[b, a, t, d]`: `hidden` is added to the scores, keys and values are repeated for their queries. */
function plainAttention(q: T, k: T, v: T, scale: number, hidden: (scores: T) => T): T {
  const [b, a, t, d] = q.shape as [number, number, number, number]
  const times = a / k.shape[1]!
  const repeated = (x: T) =>
    tf.reshape(tf.mul(tf.expandDims(x, 2), tf.ones([1, 1, times, 1, 1])), [b, a, x.shape[2]!, d])
  const scores = tf.mul(
    tf.matMul(tf.reshape(q, [b * a, t, d]), tf.reshape(repeated(k), [b * a, -1, d]), false, true),
    scale,
  )
  const weights = tf.softmax(hidden(tf.reshape(scores, [b, a, t, -1])))
  return tf.matMul(weights, repeated(v) as tf.Tensor4D)
}

const FAR = -1e9
function byPlace(causal: boolean, window: number | null): (scores: T) => T {
  return (scores) => {
    const [t, s] = scores.shape.slice(-2) as [number, number]
    const hidden = tf.buffer([t, s])
    for (let i = 0; i < t; i++) {
      for (let j = 0; j < s; j++) {
        const isFar = window !== null && (j <= i - window || j >= i + window)
        hidden.set((causal && j > i) || isFar ? FAR : 0, i, j)
      }
    }
    return tf.add(scores, hidden.toTensor())
  }
}

interface Truth {
  readonly result: ArrayLike<number>
  readonly gradients: (ArrayLike<number> | null)[]
}

const tensorOf = ({ axes, dtype, values }: Operand): T =>
  tf.tensor([...values], sizes(axes), dtype === 'int64' ? 'int32' : dtype === 'bool' ? 'bool' : 'float32')

/** Forward and gradients by tfjs's own tape, on the cpu backend. */
function truthOf(c: Case, weights: (size: number) => number[]): Truth | null {
  const oracle = ORACLES[c.op] as ((xs: T[], attributes: unknown) => T) | undefined
  // Dropout's mask is the kernel's own: attention.test.ts takes slopes of it instead.
  if (!oracle || ('dropout' in c.attributes && c.attributes.dropout > 0)) return null
  void tf.setBackend('cpu')
  const inputs = c.inputs.filter((x): x is Operand => x !== null)
  const tensors = inputs.map(tensorOf)
  const trained = inputs.flatMap((x, i) => (x.trains ? [i] : []))
  const f = (...xs: T[]): T =>
    oracle(
      tensors.map((t, i) => (trained.includes(i) ? xs[trained.indexOf(i)]! : t)),
      c.attributes,
    )
  const result = f(...trained.map((i) => tensors[i]!))
  if (trained.length === 0) return { result: result.dataSync(), gradients: inputs.map(() => null) }
  const dy = tf.tensor(weights(result.size), result.shape)
  const found = tf.grads(f)(
    trained.map((i) => tensors[i]!),
    dy,
  )
  const gradients = inputs.map((_, i) => (trained.includes(i) ? found[trained.indexOf(i)]!.dataSync() : null))
  return { result: result.dataSync(), gradients }
}

/** max |a − b| / max |b| */
function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  let [far, large] = [0, 0]
  for (let i = 0; i < b.length; i++) {
    far = Math.max(far, Math.abs(a[i]! - b[i]!))
    large = Math.max(large, Math.abs(b[i]!))
  }
  return large === 0 ? far : far / large
}

const weightsOf = (size: number): number[] => {
  const random = stream(size)
  return Array.from({ length: size }, () => 2 * random() - 1)
}

const SHAPES = [
  { b: 2, t: 5, h: 8, f: 3, d: 2, v: 11 },
  { b: 1, t: 3, h: 4, f: 7, d: 3, v: 5 },
  { b: 3, t: 1, h: 6, f: 1, d: 1, v: 2 },
]
/** tfjs's own kernels differ by as much between its engines. */
const LIMIT = 1e-5

for (const name of TESTED_ENGINES) {
  const engine = await loadEngine(name)
  const worst = { result: 0, gradient: 0, at: '' }

  for (const [n, shape] of SHAPES.entries()) {
    for (const c of casesOf(shape, stream(n + 1))) {
      const truth = truthOf(c, weightsOf)
      if (!truth) continue
      test(`${name}: ${c.label}, shape ${n}: result and gradients are tf.grads'`, async () => {
        const executor = new Executor({ engine, seed: 1, sink: () => undefined, tile: SHORT_TILE })
        try {
          const make = ({ axes, dtype, values }: Operand) => executor.keep(axes, dtype, 'input', values, c.label)
          const dy = (axes: Operand['axes']): Operand => ({
            axes,
            dtype: 'float32',
            values: weightsOf(axes.reduce((m, a) => m * a.size, 1)),
            trains: false,
          })
          const ran = drive(executor, c, make, dy)
          const result = distance(await executor.read(ran.results[0]!), truth.result)
          assert.ok(result <= LIMIT, `result off by ${result}`)
          worst.result = Math.max(worst.result, result)
          for (const [i, leaf] of ran.leaves.filter((_, k) => c.inputs[k] !== null).entries()) {
            if (!leaf) continue
            const off = distance(await executor.read(leaf.grad!), truth.gradients[i]!)
            assert.ok(off <= LIMIT, `gradient ${i} off by ${off}`)
            if (off > worst.gradient) Object.assign(worst, { gradient: off, at: c.label })
          }
          ran.end()
        } finally {
          executor.close()
        }
      })
    }
  }

  test(`${name}: the worst of them`, () => {
    const { result, gradient, at } = worst
    console.log(
      `\n# ${name}: results within ${result.toExponential(1)}, gradients within ${gradient.toExponential(1)} (${at})`,
    )
    engine.close()
  })
}

test.run()
