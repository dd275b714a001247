import type { AttributesOf, OpName } from '../ops/attributes.ts'
import { type DType, isFloating } from '../trace/dtype.ts'
import type { Lifetimes } from './lifetimes.ts'
import type { Variable } from './variable.ts'

/** Which operations run in which type under `torch.autocast`. */
export interface AutocastPolicy {
  readonly dtype: DType
  readonly lower: ReadonlySet<OpName | 'matmul'>
  /** Operations that run in float32. */
  readonly upper: ReadonlySet<OpName | 'matmul'>
  /** Operations that take their inputs as they are and are told to give out float32 (`fp32_set_opt_dtype`). */
  readonly told: ReadonlySet<OpName>
}

/**
 * Casts an operation's inputs (aten/src/ATen/autocast_mode.cpp, cached_cast). A float32 leaf that requires a gradient is cast
 * once a region and kept until it ends: a parameter that trains, the detached input of a reentrant recomputation. Everything else
 * is cast on each use.
 */
export class Autocast<D> {
  readonly #policy: AutocastPolicy
  readonly #lifetimes: Lifetimes<D>
  readonly #to: (v: Variable<D>, dtype: DType) => Variable<D>
  #cache = new Map<Variable<D>, Variable<D>>()

  constructor(policy: AutocastPolicy, lifetimes: Lifetimes<D>, to: (v: Variable<D>, dtype: DType) => Variable<D>) {
    this.#policy = policy
    this.#lifetimes = lifetimes
    this.#to = to
  }

  /** The type that `op` wants; null where it takes what it gets. */
  wanted(op: OpName | 'matmul'): DType | null {
    if (this.#policy.lower.has(op)) return this.#policy.dtype
    return this.#policy.upper.has(op) ? 'float32' : null
  }

  /** The attributes with the type that `op` is told to give out, where it is told one. */
  told<N extends OpName>(op: N, attributes: AttributesOf<N>): AttributesOf<N> {
    return this.#policy.told.has(op) ? { ...attributes, dtype: 'float32' } : attributes
  }

  /** The inputs in the wanted type, cast from the last to the first as the compiled call evaluates its arguments. */
  cast(inputs: readonly (Variable<D> | null)[], dtype: DType): (Variable<D> | null)[] {
    const result = [...inputs]
    for (let i = inputs.length - 1; i >= 0; i--) {
      const v = inputs[i]
      if (v && isFloating(v.dtype) && v.dtype !== dtype) result[i] = this.#one(v, dtype)
    }
    return result
  }

  #one(v: Variable<D>, dtype: DType): Variable<D> {
    const cached = v.leaf !== null && v.dtype === 'float32' && dtype !== 'float32'
    if (!cached) return this.#to(v, dtype)
    const known = this.#cache.get(v)
    if (known) return known
    const made = this.#to(v, dtype)
    this.#lifetimes.hold(made)
    this.#cache.set(v, made)
    return made
  }

  /** A region of its own (a recomputation): its cache ends with it. */
  nested<R>(body: () => R): R {
    const outer = this.#cache
    this.#cache = new Map()
    try {
      return body()
    } finally {
      this.end()
      this.#cache = outer
    }
  }

  /** The region has ended: cached casts go unless a node keeps them. */
  end(): void {
    for (const v of this.#cache.values()) this.#lifetimes.drop(v)
    this.#cache.clear()
  }
}
