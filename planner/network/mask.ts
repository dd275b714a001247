import type { Shorthand, Tensor } from '../ops/ops.ts'
import type { Axis } from '../trace/axes.ts'
import type { DType } from '../trace/dtype.ts'
import { Refusal } from '../trace/errors.ts'
import type { TrainSpec } from '../training/spec.ts'

/**
 * The mask of a causal decoder: none under sdpa without padding (the kernel is told `is_causal`), else a bool one; an additive
 * one under eager
 * (transformers/masking_utils.py, create_causal_mask).
 */
export function causalMask<T extends Tensor>(
  o: Shorthand<T>,
  train: TrainSpec,
  at: { batch: Axis; tokens: Axis; dtype: DType; window: number | null; padding: T | null },
): T | null {
  const { batch, tokens, window, padding } = at
  const sdpa = train.attention === 'sdpa'
  if (sdpa && padding === null && (window === null || tokens.size < window)) return null
  return o.run('causal_mask', [padding], { batch, tokens, keys: tokens, dtype: sdpa ? 'bool' : at.dtype, window })
}

/** The mask of an encoder: none without padding (transformers/masking_utils.py, create_bidirectional_mask). */
export function bidirectionalMask<T extends Tensor>(
  _o: Shorthand<T>,
  _train: TrainSpec,
  at: { batch: Axis; tokens: Axis; dtype: DType; padding: T | null },
): T | null {
  if (at.padding !== null)
    throw new Refusal(
      'not-modelled',
      '--padding',
      'a padded batch of an encoder is not modelled yet',
      'Leave out --padding.',
    )
  return null
}
