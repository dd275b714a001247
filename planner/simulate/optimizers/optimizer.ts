import type { Leaf } from '../../autograd/variable.ts'
import type { OptimizerImpl, OptimizerName } from '../../training/spec.ts'
import type { Simulator } from '../simulator.ts'
import type { SimTensor, View } from '../storage.ts'

/** What an optimizer does with memory; its state lives from the first step on. */
export interface SimOptimizer {
  step(leaves: readonly Leaf<View>[]): void
}

/** torch.optim by name and implementation. `foreach` and `fused` go over all tensors at once, `for-loop` one by one. */
export function torchOptimizer(simulator: Simulator, name: OptimizerName, impl: OptimizerImpl): SimOptimizer {
  if (name === 'sgd') return { step: () => undefined }
  return adamW(simulator, name === 'lorafa' ? 'for-loop' : impl)
}

/**
 * torch/optim/adamw.py: two moments a parameter and a step scalar on the host; foreach makes all square roots before it uses
 * them, the loop a root and a quotient at a time, fused nothing.
 */
function adamW(simulator: Simulator, impl: OptimizerImpl): SimOptimizer {
  const made = new Set<Leaf<View>>()
  const like = (v: SimTensor): SimTensor => {
    const t = simulator.alloc(v.axes, v.dtype, v.data.strides)
    simulator.onName(t, true)
    return t
  }
  return {
    step(leaves) {
      const used = leaves.filter((l) => l.grad !== null)
      for (const leaf of used) {
        if (made.has(leaf)) continue
        made.add(leaf)
        locate(simulator, leaf, 'state')
        const { variable } = leaf
        simulator.keep(simulator.alloc([], 'float32', [], 'optimizer state', 'host'))
        for (let i = 0; i < 2; i++) {
          simulator.keep(simulator.alloc(variable.axes, variable.dtype, variable.data.strides, 'optimizer state'))
        }
      }
      if (impl === 'fused') return
      if (impl === 'for-loop') {
        // The name `denom` holds the last quotient until the next one is there.
        let denominator: SimTensor | null = null
        for (const leaf of used) {
          locate(simulator, leaf, 'sqrt')
          const root = like(leaf.variable)
          const quotient = like(leaf.variable)
          release(simulator, [root])
          if (denominator) release(simulator, [denominator])
          denominator = quotient
        }
        if (denominator) release(simulator, [denominator])
        return
      }
      // A group a type; the previous group's roots go when the name is assigned again.
      let roots: SimTensor[] = []
      for (const group of byType(used)) {
        const next = group.map((leaf) => {
          locate(simulator, leaf, '_foreach_sqrt')
          return like(leaf.variable)
        })
        release(simulator, roots)
        roots = next
      }
      simulator.position.op = 'del roots'
      release(simulator, roots)
    },
  }
}

function release(simulator: Simulator, tensors: readonly SimTensor[]): void {
  for (const t of [...tensors].reverse()) {
    simulator.onName(t, false)
    simulator.release(t)
  }
}

function locate(simulator: Simulator, leaf: Leaf<View>, op: string): void {
  const path = leaf.parameter?.path ?? ''
  simulator.position.scope = path.slice(0, Math.max(0, path.lastIndexOf('.')))
  simulator.position.op = op
}

function byType(leaves: readonly Leaf<View>[]): Leaf<View>[][] {
  const groups = new Map<string, Leaf<View>[]>()
  for (const leaf of leaves) {
    const group = groups.get(leaf.variable.dtype)
    if (group) group.push(leaf)
    else groups.set(leaf.variable.dtype, [leaf])
  }
  return [...groups.values()]
}
