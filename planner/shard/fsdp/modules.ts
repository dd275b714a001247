import type { Hooks } from '../../autograd/hooks.ts'
import type { Tape } from '../../autograd/tape.ts'
import type { SimTensor, View } from '../../simulate/storage.ts'
import type { Communication } from './comm.ts'
import type { ParameterGroup } from './group.ts'

/** A call of `fully_shard`: modules that share a group of parameters, or a root that has none left (_fsdp_state.py, FSDPState). */
export class ShardedUnit {
  readonly modules: readonly string[]
  readonly group: ParameterGroup | null
  state: 'idle' | 'forward' | 'pre-backward' = 'idle'
  /** Modules that have not run in this forward. */
  waiting: Set<string> = new Set()
  /** Takes the node off the arguments of a module when it has run. */
  restore: (() => void) | null = null

  constructor(modules: readonly string[], group: ParameterGroup | null) {
    this.modules = modules
    this.group = group
  }
}

/** The hooks of all units, as FSDPState registers them on modules, tensors and the engine. */
export class ShardedModules implements Hooks<View> {
  readonly #comm: Communication
  /** As `named_modules()` has them, the root first. */
  readonly #units: readonly ShardedUnit[]
  readonly #byModule: ReadonlyMap<string, ShardedUnit>

  constructor(comm: Communication, units: readonly ShardedUnit[]) {
    this.#comm = comm
    this.#units = units
    this.#byModule = new Map(units.flatMap((u) => u.modules.map((m) => [m, u])))
  }

  /** accelerate's `no_sync`: only the last backward of a step reduces. */
  beginMicroStep(last: boolean): void {
    this.#comm.reduces = last
  }

  /** `_pre_forward` */
  enter(tape: Tape<View>, path: string, args: readonly SimTensor[]): void {
    const unit = this.#byModule.get(path)
    if (!unit || unit.state === 'pre-backward') return
    if (unit.waiting.size === 0) unit.waiting = new Set(unit.modules)
    const enters = unit.state !== 'forward'
    unit.state = 'forward'
    const { group } = unit
    if (!group) return
    group.preForward()
    const wanted = args.filter((v) => v.requiresGrad)
    if (enters && tape.recording && wanted.length > 0) unit.restore = tape.through(wanted, () => group.postBackward())
  }

  /** `_post_forward` */
  leave(tape: Tape<View>, path: string, results: readonly SimTensor[]): void {
    const unit = this.#byModule.get(path)
    if (!unit || unit.state === 'pre-backward') return
    unit.restore?.()
    unit.restore = null
    unit.waiting.delete(path)
    if (unit.waiting.size > 0) return
    unit.group?.postForward()
    if (tape.recording) for (const v of results) if (v.requiresGrad) tape.watch(v, () => this.#preBackward(unit))
    unit.state = 'idle'
  }

  /** The root's forward is over: the last gather's buffer goes. */
  endForward(): void {
    const { gathered, simulator } = this.#comm
    if (gathered) simulator.release(gathered)
    this.#comm.gathered = null
  }

  /** `_root_post_backward_final_callback`: units whose arguments wanted no gradient have not been reduced yet. */
  endBackward(): void {
    const { simulator, order, reducing } = this.#comm
    for (const unit of this.#units) {
      const { group } = unit
      unit.state = 'idle'
      if (!group) continue
      simulator.position.scope = unit.modules[0] ?? ''
      if (group.state !== 'post-backward') group.postBackward()
      group.state = 'idle'
      group.finalizeBackward()
    }
    order.length = 0
    for (const input of reducing.splice(0)) simulator.release(input)
  }

  #preBackward(unit: ShardedUnit): void {
    const { position } = this.#comm.simulator
    const { scope, op } = position
    unit.state = 'pre-backward'
    unit.group?.preBackward()
    position.scope = scope
    position.op = op
  }
}
