import type { Tensor } from '@tensorflow/tfjs-core'
import type { Leaf } from '../../autograd/variable.ts'
import type { Parameter } from '../../ops/ops.ts'
import type { Values } from '../engines/engine.ts'
import type { Executor } from '../executor.ts'
import { inverse } from './inverse.ts'
import { AdamState, type Optimizer } from './state.ts'

export interface LoraFaOptions {
  readonly lr: number
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

/**
 * PEFT's LoraFAOptimizer (peft/optimizers/lorafa.py): grad_B ← grad_B · pinv(A·Aᵀ + δI) / scaling², then the AdamW that
 * transformers had, whose ε is added to the uncorrected root; state for B only. The inverse is float64, all is in place: no temporary
 * tensor.
 */
export function loraFa(executor: Executor, options: LoraFaOptions): Optimizer {
  const { lr, scaling, betas: [beta1, beta2] = [0.9, 0.999], eps = 1e-6, weightDecay = 0 } = options
  const round = options.product === 'bfloat16' ? toBfloat16 : Math.fround
  const state = new AdamState(executor)
  const byPath = new Map(options.parameters.map((p) => [p.path, p]))
  const factorOf = (leaf: Leaf<Tensor>): Values | null => {
    const path = leaf.parameter?.path ?? ''
    const a = path.includes('lora_B') ? byPath.get(path.replace('lora_B', 'lora_A')) : undefined
    return a ? executor.values(executor.parameter(a)) : null
  }
  return {
    step(leaves) {
      for (const leaf of leaves) {
        if (leaf.grad === null) continue
        state.make(leaf)
        const { parameter, gradient, mean, square, steps } = state.next(leaf)
        const a = factorOf(leaf)
        if (a) correct(gradient, a, leaf.variable.axes[1]!.size, scaling, round)
        const size = (lr * Math.sqrt(1 - beta2 ** steps)) / (1 - beta1 ** steps)
        for (let i = 0; i < parameter.length; i++) {
          const g = gradient[i]!
          const m = beta1 * mean[i]! + (1 - beta1) * g
          const v = beta2 * square[i]! + (1 - beta2) * g * g
          mean[i] = m
          square[i] = v
          const p = parameter[i]! - (size * m) / (Math.sqrt(v) + eps)
          parameter[i] = p - lr * weightDecay * p
        }
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

/**
 * grad_B `[out, r]` ← grad_B · (A·Aᵀ + δI)⁻¹ / scaling², in place; A is `[r, in]`. Operands, product and quotient are rounded by
 * `round`.
 */
export function correct(
  gradient: Values,
  a: Values,
  rank: number,
  scaling: number,
  round: (x: number) => number = Math.fround,
): void {
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
  const inverted = inverse(gram, rank).map(round)
  const factor = 1 / scaling ** 2
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
