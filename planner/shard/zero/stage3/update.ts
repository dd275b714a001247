import type { Leaf } from '../../../autograd/variable.ts'
import type { Parameter } from '../../../ops/ops.ts'
import type { Simulator } from '../../../simulate/simulator.ts'
import type { SimTensor, View } from '../../../simulate/storage.ts'
import { axis } from '../../../trace/axes.ts'
import type { Zero } from '../../../training/parallelism.ts'
import type { MasterOptimizer } from '../master.ts'
import { GlobalNorm, normOf } from '../norm.ts'
import type { Coordinator } from './coordinator.ts'
import type { PartitionedGradients } from './gradients.ts'
import type { PartitionedParameter } from './parameter.ts'

/** Parameters that the optimizer steps at once (`_create_fp16_sub_groups`), and their parts in float32. */
export interface SubGroup {
  readonly parts: readonly PartitionedParameter[]
  readonly elements: number
  readonly master: Leaf<View>
}

/** Cuts a group of the optimizer into sub-groups of `size` elements or a little more, and makes their float32 parts. */
export function subGroups(
  simulator: Simulator,
  group: readonly Parameter[],
  parameters: ReadonlyMap<Parameter, PartitionedParameter>,
  zero: Zero,
): SubGroup[] {
  const made: SubGroup[] = []
  let parts: PartitionedParameter[] = []
  let elements = 0
  const all = group.map((p) => parameters.get(p)!)
  for (const p of all) {
    parts.push(p)
    elements += p.part
    if (elements < zero.stage3.subGroup && p !== all.at(-1)) continue
    simulator.position.op = 'master'
    const master = simulator.alloc([axis('n/ranks', elements)], 'float32', undefined, 'parameter', zero.optimizerPlace)
    made.push({ parts, elements, master: { variable: simulator.keep(master), parameter: null, grad: null } })
    parts = []
    elements = 0
  }
  return made
}

const onHost = ({ optimizerPlace }: Zero): boolean => optimizerPlace === 'host'

/** DeepSpeedZeroOptimizer_Stage3.step: everything is partitioned, each part's norm in float64, then sub-group by sub-group. */
export class PartitionedUpdate {
  readonly #simulator: Simulator
  readonly #zero: Zero
  readonly #optimizer: MasterOptimizer
  readonly #norm: GlobalNorm

  constructor(simulator: Simulator, zero: Zero, optimizer: MasterOptimizer) {
    this.#simulator = simulator
    this.#zero = zero
    this.#optimizer = optimizer
    this.#norm = new GlobalNorm(simulator, onHost(zero) ? 'float32' : 'float64', zero.optimizerPlace)
  }

  step(groups: readonly SubGroup[], coordinator: Coordinator, gradients: PartitionedGradients): void {
    const simulator = this.#simulator
    const host = onHost(this.#zero)
    simulator.position.scope = ''
    gradients.beginStep()
    coordinator.partitionAll()
    simulator.position.scope = ''
    // A local name holds the groups' norms until the step returns.
    const norms = host ? [] : groups.map((g) => this.#measure(g))
    const settle = this.#norm.replace()
    for (const group of groups) {
      const gradient = host ? null : this.#flatten(group)
      if (this.#zero.clips) this.#norm.clip()
      this.#optimizer.step([group.master])
      if (gradient) simulator.release(gradient)
    }
    gradients.endStep()
    coordinator.gatherPersistent()
    for (const norm of norms) simulator.release(norm)
    settle()
  }

  /** `get_grad_norm_direct` */
  #measure({ parts }: SubGroup): SimTensor {
    const simulator = this.#simulator
    const norms = parts.map(({ part }) => normOf(simulator, part))
    const total = simulator.alloc([], 'float64')
    for (const norm of norms) simulator.release(norm)
    return total
  }

  /** `_prepare_fp32_grad_for_sub_group` */
  #flatten({ parts, elements }: SubGroup): SimTensor | null {
    const simulator = this.#simulator
    const { dtype } = this.#zero
    const shape = [axis('n/ranks', elements)]
    simulator.position.op = 'flatten'
    const flat = parts.length > 1 ? simulator.alloc(shape, dtype) : null
    if (dtype === 'float32') return flat
    simulator.position.op = 'to'
    const wide = simulator.alloc(shape, 'float32', undefined, 'gradient')
    if (flat) simulator.release(flat)
    return wide
  }
}
