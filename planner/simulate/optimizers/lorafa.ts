import type { Leaf } from '../../autograd/variable.ts'
import { type Axes, axis } from '../../trace/axes.ts'
import type { DType } from '../../trace/dtype.ts'
import type { Simulator } from '../simulator.ts'
import type { SimTensor, View } from '../storage.ts'
import type { SimOptimizer } from './optimizer.ts'
import { Slots } from './slots.ts'
import { locate, Moments } from './state.ts'

/**
 * peft/optimizers/lorafa.py, LoraFAOptimizer.step: a loop over pairs of A and B; the corrected gradient
 * grad_B · pinv(A·Aᵀ + δI) / scaling² is worked out under bfloat16 autocast. State is kept for B only.
 */
export function loraFa(simulator: Simulator): SimOptimizer {
  const moments = new Moments(simulator, null)
  return {
    step(leaves) {
      const slots = new Slots(simulator)
      for (const leaf of leaves) {
        if (leaf.grad === null) continue
        moments.make(leaf)
        if (leaf.parameter?.path.includes('lora_B')) pair(simulator, leaf, slots)
        else {
          locate(simulator, leaf, 'sqrt')
          const { axes, dtype } = leaf.variable
          slots.assign('denom', simulator.alloc(axes, dtype))
        }
      }
      slots.clear()
    },
  }
}

function pair(simulator: Simulator, b: Leaf<View>, slots: Slots): void {
  const { axes, dtype } = b.variable
  const rank = axis('r', axes[1]!.size)
  const square: Axes = [rank, rank]
  const make = (op: string, shape: Axes, type: DType): SimTensor => {
    locate(simulator, b, op)
    return simulator.alloc(shape, type)
  }
  slots.assign('AA_T', make('mm', square, dtype))
  const eye = make('eye', square, 'float32')
  const scaled = make('mul', square, 'float32')
  simulator.release(eye)
  const sum = make('add', square, 'float32')
  simulator.release(scaled)
  slots.assign('AA_T_inv', make('linalg_pinv', square, 'float32'))
  simulator.release(sum)
  const lower = (shape: Axes, type: DType) => (type === 'bfloat16' ? null : make('to', shape, 'bfloat16'))
  const inverse = lower(square, 'float32')
  const gradient = lower(axes, dtype)
  const product = make('mm', axes, 'bfloat16')
  for (const t of [gradient, inverse]) if (t) simulator.release(t)
  const corrected = make('mul', axes, 'bfloat16')
  simulator.release(product)
  slots.assign('grad_B', corrected)
  if (dtype !== 'bfloat16') slots.assign('grad_B', make('to', axes, dtype))
  slots.assign('denom_B', make('sqrt', axes, dtype))
}
