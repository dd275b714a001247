import type { Parameter } from '../../../ops/ops.ts'
import type { Simulator } from '../../../simulate/simulator.ts'
import type { SimTensor } from '../../../simulate/storage.ts'
import { axis, numel } from '../../../trace/axes.ts'

/** Where a parameter is (partition_parameters.py, ZeroParamStatus): a gather that has been started fills it when it is waited for. */
export type Status = 'partitioned' | 'in flight' | 'whole'

/** One parameter under stage 3: the program's tensor, which has bytes only while it is gathered, and who needs it now. */
export class PartitionedParameter {
  readonly parameter: Parameter
  readonly elements: number
  /** Elements of one rank's part; the last ranks' are padded. */
  readonly part: number
  /** `ds_persist`: not let go between steps. */
  readonly persists: boolean
  /** What programs and graphs refer to. */
  readonly variable: SimTensor
  status: Status = 'partitioned'
  /** `ds_active_sub_modules` */
  readonly active = new Set<string>()
  #whole: SimTensor | null = null
  readonly #simulator: Simulator

  constructor(simulator: Simulator, parameter: Parameter, ranks: number, persists: boolean) {
    this.#simulator = simulator
    this.parameter = parameter
    this.elements = numel(parameter.axes)
    this.part = Math.ceil(this.elements / ranks)
    this.persists = persists
    this.variable = simulator.keep(simulator.hollow(parameter.axes, parameter.dtype))
    simulator.place(parameter, this.variable)
    if (!parameter.trains) return
    this.variable.requiresGrad = true
    this.variable.leaf = { variable: this.variable, parameter, grad: null }
  }

  /** Bytes for the whole parameter; `padded` where the gather's own buffer becomes it. */
  fill(padded: number | null): void {
    const { axes, dtype, path } = this.parameter
    const simulator = this.#simulator
    const { scope } = simulator.position
    simulator.position.scope = path.slice(0, Math.max(0, path.lastIndexOf('.')))
    const shape = padded === null || padded === this.elements ? axes : [axis('n+', padded)]
    this.#whole = simulator.alloc(shape, dtype, undefined, 'parameter')
    simulator.position.scope = scope
  }

  /** `param.partition()`: only the rank's part is left. */
  partition(): void {
    if (this.#whole) this.#simulator.release(this.#whole)
    this.#whole = null
    this.status = 'partitioned'
  }

  /** The gathered bytes, for who keeps a view of them. */
  get whole(): SimTensor | null {
    return this.#whole
  }
}
