import type { Tensor } from '@tensorflow/tfjs-core'
import type { Leaf } from '../../autograd/variable.ts'
import type { Parameter } from '../../ops/ops.ts'
import { numel } from '../../trace/axes.ts'
import type { Values } from '../engines/engine.ts'
import type { DeviceLoop } from '../engines/loop.ts'
import { EngineError } from '../errors.ts'
import type { Executor } from '../executor.ts'
import { inverse } from './inverse.ts'
import { AdamState, type LearningRate, type Optimizer, rateAt } from './state.ts'

export interface LoraFaOptions {
  readonly lr: LearningRate
  /** alpha / rank, or alpha / √rank. */
  readonly scaling: number
  /** All parameters of the network: an adapter's A is found beside its B by path. */
  readonly parameters: readonly Parameter[]
  readonly betas?: readonly [number, number]
  readonly eps?: number
  readonly weightDecay?: number
  /** PEFT works out the product under bfloat16 autocast where the machine has bfloat16; default float32. */
  readonly product?: 'float32' | 'bfloat16'
}

const DELTA = 1e-8

const ADAM: DeviceLoop = {
  name: 'adam',
  written: 3,
  body: `
    let g = b3[i];
    let m = r(0) * b1[i] + r(1) * g;
    let v = r(2) * b2[i] + r(3) * g * g;
    b1[i] = m;
    b2[i] = v;
    let p = b0[i] - (r(4) * m) / (sqrt(v) + r(5));
    b0[i] = p - r(6) * p;`,
}

/** The rank of which a device holds a row of the gradient beside the tensors. */
const WIDEST = 512
const tooWide = (rank: number): EngineError =>
  new EngineError('not-executed', 'lorafa', `rank ${rank} is over ${WIDEST}`, 'Take --optimizer adamw, or wasm.')

/** Rounds to bfloat16 where `n(1)` says so, as `toBfloat16` does. A row is worked out whole before it is written. */
const CORRECT: DeviceLoop = {
  name: 'correct',
  written: 1,
  body: `
    var row: array<f32, ${WIDEST}>;
    for (var j = 0u; j < n(0); j++) {
      var sum = 0.0;
      for (var k = 0u; k < n(0); k++) { sum += rounded(b0[i * n(0) + k], n(1)) * r(1 + k * n(0) + j); }
      row[j] = rounded(r(0) * rounded(sum, n(1)), n(1));
    }
    for (var j = 0u; j < n(0); j++) { b0[i * n(0) + j] = row[j]; }`,
}

/**
 * PEFT's LoraFAOptimizer (peft/optimizers/lorafa.py): grad_B ← grad_B · pinv(A·Aᵀ + δI) / scaling², then the AdamW that
 * transformers had, whose ε is added to the uncorrected root; state for B only. The inverse is float64, all is in place: no temporary
 * tensor.
 */
export function loraFa(executor: Executor, options: LoraFaOptions): Optimizer {
  const { scaling, betas: [beta1, beta2] = [0.9, 0.999], eps = 1e-6, weightDecay = 0 } = options
  const round = options.product === 'bfloat16' ? toBfloat16 : Math.fround
  const { primitives } = executor
  const state = new AdamState(executor)
  const byPath = new Map(options.parameters.map((p) => [p.path, p]))
  const factorOf = (leaf: Leaf<Tensor>): Values | null => {
    const path = leaf.parameter?.path ?? ''
    const a = path.includes('lora_B') ? byPath.get(path.replace('lora_B', 'lora_A')) : undefined
    return a ? executor.primitives.known(executor.parameter(a)) : null
  }
  return {
    step(leaves) {
      for (const leaf of leaves) {
        if (leaf.grad === null) continue
        state.make(leaf)
        const { parameter, gradient, mean, square, steps } = state.next(leaf)
        const a = factorOf(leaf)
        if (a) {
          const rank = leaf.variable.axes[1]!.size
          const factor = 1 / scaling ** 2
          const inverted = invertedGram(a, rank, round)
          const rounds = round === toBfloat16 ? 1 : 0
          const told = () => {
            if (rank > WIDEST) throw tooWide(rank)
            return { count: numel(gradient.axes) / rank, whole: [rank, rounds], real: [factor, ...inverted] }
          }
          primitives.loop(CORRECT, [gradient], told, (g) => correct(g, inverted, rank, factor, round))
        }
        const lr = rateAt(options.lr, steps)
        const size = (lr * Math.sqrt(1 - beta2 ** steps)) / (1 - beta1 ** steps)
        const decay = lr * weightDecay
        const told = () => ({
          count: numel(parameter.axes),
          real: [beta1, 1 - beta1, beta2, 1 - beta2, size, eps, decay],
        })
        primitives.loop(ADAM, [parameter, mean, square, gradient], told, (ps, ms, vs, gs) => {
          for (let i = 0; i < ps.length; i++) {
            const g = gs[i]!
            const m = beta1 * ms[i]! + (1 - beta1) * g
            const v = beta2 * vs[i]! + (1 - beta2) * g * g
            ms[i] = m
            vs[i] = v
            const p = ps[i]! - (size * m) / (Math.sqrt(v) + eps)
            ps[i] = p - decay * p
          }
        })
      }
    },
  }
}

const number = new Float32Array(1)
const bits = new Uint32Array(number.buffer)

/** The nearest bfloat16, ties to even. */
export function toBfloat16(x: number): number {
  number[0] = x
  const word = bits[0]!
  bits[0] = (word + 0x7fff + ((word >>> 16) & 1)) & 0xffff0000
  return number[0]
}

/** (A·Aᵀ + δI)⁻¹, rounded by `round`; A is `[r, in]`. */
export function invertedGram(a: Values, rank: number, round: (x: number) => number = Math.fround): Float64Array {
  const width = a.length / rank
  const gram = new Float64Array(rank * rank)
  for (let i = 0; i < rank; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0
      for (let k = 0; k < width; k++) sum += a[i * width + k]! * a[j * width + k]!
      gram[i * rank + j] = sum
      gram[j * rank + i] = sum
    }
    gram[i * rank + i]! += DELTA
  }
  return inverse(gram, rank).map(round)
}

/**
 * grad_B `[out, r]` ← grad_B · `inverted` · `factor`, in place, the factor being 1 / scaling². Operands, product and quotient are
 * rounded by `round`.
 */
export function correct(
  gradient: Values,
  inverted: Float64Array,
  rank: number,
  factor: number,
  round: (x: number) => number = Math.fround,
): void {
  const row = new Float64Array(rank)
  for (let at = 0; at < gradient.length; at += rank) {
    row.fill(0)
    for (let i = 0; i < rank; i++) {
      const g = round(gradient[at + i]!)
      for (let j = 0; j < rank; j++) row[j]! += g * inverted[i * rank + j]!
    }
    for (let j = 0; j < rank; j++) gradient[at + j] = round(factor * round(row[j]!))
  }
}
