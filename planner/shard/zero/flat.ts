import type { Leaf } from '../../autograd/variable.ts'
import type { Parameter } from '../../ops/ops.ts'
import type { Simulator } from '../../simulate/simulator.ts'
import type { SimTensor, View } from '../../simulate/storage.ts'
import { contiguousStrides } from '../../simulate/strides.ts'
import { type Axes, axis } from '../../trace/axes.ts'
import type { Zero } from '../../training/parallelism.ts'
import { type FlatGroup, flatGroup, type Run } from './groups.ts'

/** Who a rank is among its peers. */
export interface Seat {
  readonly ranks: number
  readonly rank: number
}

/**
 * One group of the optimizer on a rank under stage 1 or 2: the flat buffer that its parameters are views of, and the rank's part of it
 * in float32, which the optimizer steps.
 */
export class FlatParameters {
  readonly group: FlatGroup
  /** Runs of the rank's part, in their order. */
  readonly own: readonly Run[]
  readonly part: Axes
  /** The rank's part in float32. */
  readonly master: Leaf<View>

  constructor(simulator: Simulator, parameters: readonly Parameter[], { ranks, rank }: Seat, zero: Zero) {
    const group = flatGroup(parameters, ranks, zero.roundRobin)
    this.group = group
    this.own = group.runs.filter((run) => run.rank === rank)
    this.part = [axis(`n/${ranks}`, group.part)]
    simulator.position.scope = ''
    simulator.position.op = 'flatten'
    const flat = simulator.keep(
      simulator.alloc([axis('n', group.elements)], parameters[0]!.dtype, undefined, 'parameter'),
    )
    for (const p of parameters) {
      const v = simulator.keep(simulator.view(flat, p.axes, contiguousStrides(p.axes)))
      v.requiresGrad = true
      v.leaf = { variable: v, parameter: p, grad: null }
      simulator.place(p, v)
    }
    simulator.position.op = 'master'
    const master = simulator.alloc(this.part, 'float32', undefined, 'parameter', zero.optimizerPlace)
    this.master = { variable: simulator.keep(master), parameter: null, grad: null }
  }

  /** What lies on the host besides under offload: float32 gradients, and weights on their way back. */
  offload(simulator: Simulator, dtype: SimTensor['dtype']): void {
    simulator.position.op = 'offload'
    simulator.keep(simulator.alloc(this.part, 'float32', undefined, 'gradient', 'host'))
    simulator.keep(simulator.alloc(this.part, dtype, undefined, 'other', 'host'))
  }
}
