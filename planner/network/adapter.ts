import type { Parameter } from '../ops/ops.ts'
import { type Axes, type Axis, axis } from '../trace/axes.ts'
import type { AdapterSpec } from '../training/spec.ts'
import type { Library } from './library.ts'
import type { Shared } from './tensor-parallel.ts'

/** PEFT's LoRA on one linear: `x + B(A(dropout(x))) · scaling`. */
export interface Adapter {
  /** `[r, in]` */
  readonly a: Parameter
  /** `[out, r]` */
  readonly b: Parameter
  /** Whether a quantized layer takes x to the adapter's type: not under autocast, whose products do. */
  readonly converts: boolean
  readonly dropout: number
  readonly scaling: number
  /** DoRA's magnitudes `[out]`. */
  readonly magnitude: Parameter | null
  /** What DoRA's term is made from (see `Library.dora`). */
  readonly dora: Library['dora']
  readonly dropoutPath: string
  readonly aPath: string
  readonly bPath: string
  /** How ranks share B, where they share the linear: each has its own rows of it. */
  readonly shared?: Shared
}

/** As PEFT matches `target_modules` (peft/tuners/tuners_utils.py, check_target_module_exists). */
export function isTarget(path: string, targets: readonly string[], head: boolean): boolean {
  if (targets.includes('all-linear')) return !head
  return targets.some((t) => path === t || path.endsWith(`.${t}`))
}

/** The two matrices of an adapter; `make` declares a parameter of the adapter. */
export function adapterOf(
  path: string,
  input: Axis,
  output: Axis,
  spec: AdapterSpec,
  options: Pick<Adapter, 'dora' | 'converts'>,
  make: (path: string, axes: Axes, part: 'A' | 'B' | 'magnitude') => Parameter,
): Adapter {
  const rank = axis('r', spec.rank)
  const scaling = spec.alpha / (spec.rslora ? Math.sqrt(spec.rank) : spec.rank)
  const [aPath, bPath] = [`${path}.lora_A.default`, `${path}.lora_B.default`]
  return {
    a: make(`${aPath}.weight`, [rank, input], 'A'),
    b: make(`${bPath}.weight`, [output, rank], 'B'),
    magnitude: spec.dora ? make(`${magnitudeOf(path)}.weight`, [output], 'magnitude') : null,
    ...options,
    dropout: spec.dropout,
    scaling,
    dropoutPath: `${path}.lora_dropout.default`,
    aPath,
    bPath,
  }
}

export const magnitudeOf = (path: string): string => `${path}.lora_magnitude_vector.default`
