import type { Parameter } from '../../../ops/ops.ts'
import type { ZeroStage3 } from '../../../training/parallelism.ts'
import { type Gather, type GatherManner, gatherNow, startGather } from './gather.ts'
import type { PartitionedParameter } from './parameter.ts'
import { ModuleTrace } from './trace.ts'

/**
 * Which parameters are whole at any moment (partitioned_param_coordinator.py, PartitionedParameterCoordinator). A module's own are
 * gathered before it runs and go after it; from the second step on, with the order of modules known, each module that is entered
 * starts gathers of what comes next, as far ahead as `maxLive` lets it.
 */
export class Coordinator {
  readonly #manner: GatherManner
  readonly #limits: ZeroStage3
  readonly #parameters: ReadonlyMap<Parameter, PartitionedParameter>
  readonly #own = new Map<string, PartitionedParameter[]>()
  /** Of other modules, by the module that asked for them (`ds_external_parameters`). */
  readonly #external = new Map<string, PartitionedParameter[]>()
  readonly #trace = new ModuleTrace()
  #step = 0
  #available = 0
  readonly #inFlight = new Map<PartitionedParameter, Gather>()
  /** Modules whose backward has begun, and what they keep for a region that is computed again. */
  readonly #backward = new Map<string, Set<PartitionedParameter>>()

  constructor(manner: GatherManner, limits: ZeroStage3, parameters: ReadonlyMap<Parameter, PartitionedParameter>) {
    this.#manner = manner
    this.#limits = limits
    this.#parameters = parameters
    for (const p of parameters.values()) {
      const { path } = p.parameter
      const owner = path.slice(0, Math.max(0, path.lastIndexOf('.')))
      this.#own.set(owner, [...(this.#own.get(owner) ?? []), p])
    }
  }

  readonly #of = (module: string): readonly PartitionedParameter[] => {
    const own = this.#own.get(module) ?? []
    const external = this.#external.get(module)
    return external ? [...own, ...external] : own
  }

  /** `reset_step`, at the start of a forward. */
  beginForward(): void {
    for (const [p, gather] of this.#inFlight) {
      gather.wait()
      this.#release(p)
      gather.letGo()
    }
    this.#inFlight.clear()
    this.#trace.reset(this.#of)
    this.#step = 0
    this.#available = 0
  }

  /** Before a module's forward or backward (`fetch_sub_module`); `again` where a region is computed again in the backward. */
  fetch(module: string, direction: 'forward' | 'backward', again: boolean): void {
    this.#trace.enter(module)
    if (direction === 'backward') this.#backward.set(module, this.#backward.get(module) ?? new Set())
    const wanted = this.#of(module)
    this.#gather(wanted)
    for (const p of wanted) {
      p.active.add(module)
      if (again && !p.parameter.trains) this.#attribute(p)
      this.#settle(p)
    }
    if (this.#trace.mode === 'complete') this.#prefetch(wanted)
    this.#step++
  }

  /** Frozen parameters of a region that is computed again stay for the module whose backward asked for it. */
  #attribute(p: PartitionedParameter): void {
    const last = [...this.#backward].at(-1)
    if (!last) return
    const [module, kept] = last
    kept.add(p)
    p.active.add(module)
  }

  #settle(p: PartitionedParameter): void {
    const gather = this.#inFlight.get(p)
    if (!gather) return
    this.#inFlight.delete(p)
    gather.wait()
    gather.letGo()
  }

  #gather(parameters: readonly PartitionedParameter[]): void {
    const missing = parameters.filter((p) => p.status === 'partitioned')
    if (missing.length === 0) return
    for (const p of missing) this.#available += p.elements
    const gather = startGather(this.#manner, missing)
    for (const p of missing) this.#inFlight.set(p, gather)
  }

  #prefetch(wanted: readonly PartitionedParameter[]): void {
    const late = new Set(wanted.filter((p) => this.#trace.fetchedFor(p) < this.#step))
    for (const found = new Set<PartitionedParameter>(); found.size < late.size; ) {
      const use = this.#trace.take()
      if (!use) break
      found.add(use.parameter)
    }
    const most = Math.min(this.#limits.maxLive - this.#available, this.#limits.prefetchBucket)
    const next = new Set<PartitionedParameter>()
    for (let elements = 0; elements < most; ) {
      const use = this.#trace.take()
      if (!use) break
      const { parameter } = use
      if (parameter.status !== 'partitioned' || next.has(parameter)) continue
      next.add(parameter)
      elements += parameter.elements
    }
    this.#gather([...next])
  }

  /** After a module's forward or backward (`release_sub_module`). */
  release(module: string, direction: 'forward' | 'backward'): void {
    const complete = this.#trace.mode === 'complete'
    const own = this.#of(module)
    const released = new Set(
      complete ? this.#trace.releasedBy(module, this.#step, this.#of, this.#limits.maxReuse) : own,
    )
    const kept = direction === 'backward' ? (this.#backward.get(module) ?? []) : []
    for (const p of kept) if (!p.persists) released.add(p)
    if (direction === 'backward') this.#backward.delete(module)
    for (const p of new Set([...own, ...kept])) {
      p.active.delete(module)
      if (released.has(p)) this.#release(p)
    }
  }

  #release(p: PartitionedParameter): void {
    if (p.status !== 'whole' || p.active.size > 0) return
    p.partition()
    this.#available -= p.elements
  }

  /** A module asks for a parameter that is not there: another module's (ZeROOrderedDict). */
  access(module: string, parameter: Parameter): void {
    const p = this.#parameters.get(parameter)
    if (p?.status !== 'partitioned') return
    this.#external.set(module, [...(this.#external.get(module) ?? []), p])
    gatherNow(this.#manner, [p])
  }

  /** Modules whose arguments wanted no gradient never had their backward's end (`release_backward_leftovers`). */
  endBackward(): void {
    for (const [module, kept] of [...this.#backward].reverse())
      for (const p of new Set([...this.#of(module), ...kept])) {
        p.active.delete(module)
        if (!p.persists) this.#release(p)
      }
    this.#backward.clear()
  }

  /** `release_and_reset_all`, before the optimizer's step. */
  partitionAll(): void {
    for (const p of this.#parameters.values()) {
      this.#settle(p)
      p.active.clear()
      this.#release(p)
    }
  }

  /** After it, what persists is gathered again. */
  gatherPersistent(): void {
    const persistent = [...this.#parameters.values()].filter((p) => p.persists)
    if (persistent.length > 0) gatherNow(this.#manner, persistent)
  }
}
