import type { PartitionedParameter } from './parameter.ts'

/** A use of a parameter, and the place in the trace of the module that uses it. */
export interface Use {
  readonly parameter: PartitionedParameter
  readonly at: number
}

/** How a module's own parameters, and those it asked another module for, are found. */
export type ParametersOf = (module: string) => readonly PartitionedParameter[]

/**
 * The modules of one forward and backward in the order in which they were entered (PartitionedParameterCoordinator's `__submodule_order`),
 * recorded in the first step and followed from the second on.
 */
export class ModuleTrace {
  mode: 'none' | 'recording' | 'complete' = 'none'
  #modules: string[] = []
  #uses: readonly Use[] = []
  /** Index of the next use that nobody has fetched. */
  #next = 0
  /** Up to where in the trace a parameter has been fetched (`__most_recent_step_id_param_fetched_for`). */
  readonly #fetchedFor = new Map<PartitionedParameter, number>()
  readonly #releases = new Map<string, ReadonlySet<PartitionedParameter>>()

  /** A forward begins. */
  reset(parametersOf: ParametersOf): void {
    if (this.mode === 'recording') {
      this.#uses = this.#modules.flatMap((m, at) => parametersOf(m).map((parameter) => ({ parameter, at })))
      this.mode = 'complete'
    } else if (this.mode === 'none') this.mode = 'recording'
    this.#next = 0
    this.#fetchedFor.clear()
  }

  enter(module: string): void {
    if (this.mode === 'recording') this.#modules.push(module)
  }

  fetchedFor(p: PartitionedParameter): number {
    return this.#fetchedFor.get(p) ?? -1
  }

  /** The next use, taken off the queue. */
  take(): Use | null {
    const use = this.#uses[this.#next]
    if (!use) return null
    this.#next++
    this.#fetchedFor.set(use.parameter, Math.max(this.fetchedFor(use.parameter), use.at))
    return use
  }

  /**
   * What a module lets go at a place of the trace: nothing that persists, that was fetched for a later use, or that is used again
   * within `reuse` elements. Worked out once for each place, as DeepSpeed does.
   */
  releasedBy(module: string, at: number, parametersOf: ParametersOf, reuse: number): ReadonlySet<PartitionedParameter> {
    const key = `${module} ${at}`
    const known = this.#releases.get(key)
    if (known) return known
    const released = new Set(parametersOf(module).filter((p) => !p.persists && this.fetchedFor(p) <= at))
    let passed = 0
    for (let i = at; i < this.#modules.length && passed < reuse; i++)
      for (const p of parametersOf(this.#modules[i]!)) {
        released.delete(p)
        passed += p.elements
      }
    this.#releases.set(key, released)
    return released
  }
}
