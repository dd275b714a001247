import type { Leaf } from '../../autograd/variable.ts'
import { FUSED_STEP } from '../../trace/cuda.ts'
import type { OptimizerImpl } from '../../training/spec.ts'
import type { Simulator } from '../simulator.ts'
import type { SimTensor, View } from '../storage.ts'
import type { SimOptimizer } from './optimizer.ts'
import { pieces } from './pieces.ts'
import { Slots } from './slots.ts'
import { locate, Moments } from './state.ts'

/**
 * torch/optim/adamw.py: foreach makes all square roots before it uses them, the loop a root and a quotient at a time, fused
 * nothing.
 */
export function adamW(simulator: Simulator, impl: OptimizerImpl): SimOptimizer {
  const moments = new Moments(simulator, impl === 'fused' ? FUSED_STEP : 'step')
  const like = (leaf: Leaf<View>, op: string): SimTensor => {
    locate(simulator, leaf, op)
    const { axes, dtype, data } = leaf.variable
    return simulator.alloc(axes, dtype, data.strides)
  }
  return {
    step(leaves) {
      for (const group of groupsOf(leaves.filter((l) => l.grad !== null))) stepGroup(group)
    },
  }

  function stepGroup(used: readonly Leaf<View>[]): void {
    for (const leaf of used) moments.make(leaf)
    // what a step over the host's parameters takes on its way is the host's too, and not followed
    const here = used.filter((l) => l.variable.data.storage.device === 'device')
    const slots = new Slots(simulator)
    if (impl === 'for-loop') {
      for (const leaf of here) {
        cutGradients([leaf])
        const root = like(leaf, 'sqrt')
        slots.assign('denom', like(leaf, 'sqrt'))
        simulator.release(root)
      }
    } else if (impl === 'foreach') {
      for (const group of byType(here)) {
        cutGradients(group)
        slots.assign('exp_avg_sq_sqrt', ...group.map((l) => like(l, '_foreach_sqrt')))
      }
      simulator.position.op = 'del exp_avg_sq_sqrt'
    } else release(pieces(simulator, here, '_fused_adamw_'))
    slots.clear()
  }

  function release(tensors: readonly SimTensor[]): void {
    for (const t of [...tensors].reverse()) simulator.release(t)
  }

  /** Each operation on distributed tensors cuts them anew: lerp the gradient, addcmul both of its factors. */
  function cutGradients(leaves: readonly Leaf<View>[]): void {
    release(pieces(simulator, leaves, 'lerp'))
    release([...pieces(simulator, leaves, 'addcmul'), ...pieces(simulator, leaves, 'addcmul')])
  }
}

/** Distributed tensors stand in a group of their own, since torch takes no mixed ones (transformers/trainer.py, create_optimizer). */
function groupsOf(leaves: readonly Leaf<View>[]): readonly (readonly Leaf<View>[])[] {
  const isShared = (leaf: Leaf<View>): boolean => leaf.parameter?.whole !== undefined
  const groups = [leaves.filter(isShared), leaves.filter((l) => !isShared(l))]
  return groups.filter((g) => g.length > 0)
}

/** foreach works through one type after the other (torch/optim/optimizer.py, _group_tensors_by_device_and_dtype). */
function byType(leaves: readonly Leaf<View>[]): Leaf<View>[][] {
  const groups = new Map<string, Leaf<View>[]>()
  for (const leaf of leaves) {
    const group = groups.get(leaf.variable.dtype)
    if (group) group.push(leaf)
    else groups.set(leaf.variable.dtype, [leaf])
  }
  return [...groups.values()]
}
