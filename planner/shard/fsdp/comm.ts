import type { Simulator } from '../../simulate/simulator.ts'
import type { SimTensor } from '../../simulate/storage.ts'
import type { ParameterGroup } from './group.ts'

/** What groups share (_fsdp_param_group.py, FSDPCommContext): buffers that outlive the call which made them. */
export class Communication {
  readonly simulator: Simulator
  /** Ranks that a parameter is cut over. */
  readonly ranks: number
  /** Copies of the model that gradients are also averaged over. */
  readonly replicas: number
  /** A forward gather's result, kept until the next module's has been copied out (`all_gather_state`). */
  gathered: SimTensor | null = null
  /** Inputs of reductions under way (`reduce_scatter_states`): one, by default. */
  readonly reducing: SimTensor[] = []
  /** Groups as their modules ran: the backward gathers the one before ahead of time (`post_forward_order`). */
  readonly order: ParameterGroup[] = []
  /** Whether this backward's gradients are reduced (`set_requires_gradient_sync`). */
  reduces = true

  constructor(simulator: Simulator, ranks: number, replicas: number) {
    this.simulator = simulator
    this.ranks = ranks
    this.replicas = replicas
  }
}
