import type { Fields } from './fields.ts'
import { LIMITS } from './limits.ts'

/** How a config class spells the share of a head that turns, and the share without the key. */
export interface PartialRope {
  readonly theta: string
  readonly share: string
  readonly fallback: number
}

/**
 * Rotary positions that turn the first columns of a head only: how many, and the base. Since transformers 5 both stand inside
 * `rope_parameters`, before beside `rope_scaling` (modeling_rope_utils.py).
 */
export function readPartialRope(
  fields: Fields,
  headDim: number,
  { theta, share, fallback }: PartialRope,
): { rotaryWidth: number; ropeTheta: number } {
  const inside = fields.nested(fields.first('rope_scaling', 'rope_parameters'))
  inside.choice('ropeType', inside.first('rope_type', 'type'), { default: 'default' }, { value: 'default' })
  const ropeTheta = inside.has('rope_theta')
    ? inside.number('ropeTheta', 'rope_theta', LIMITS.ropeTheta, { value: 10_000 })
    : fields.number('ropeTheta', theta, LIMITS.ropeTheta, { value: 10_000 })
  const portion = inside.has('partial_rotary_factor')
    ? inside.number('rotaryWidth', 'partial_rotary_factor', LIMITS.probability, { value: fallback })
    : fields.number('rotaryWidth', share, LIMITS.probability, { value: fallback })
  const rotaryWidth = Math.trunc(headDim * portion)
  if (fields.valid('hidden', 'heads', 'rotaryWidth') && (rotaryWidth < 2 || rotaryWidth % 2 !== 0)) {
    const message = `turns ${rotaryWidth} of ${headDim} columns`
    fields.fail('indivisible', share, message, 'an even number of columns: rotary positions turn pairs', 'Correct it.')
  }
  return { rotaryWidth: Math.max(2, rotaryWidth), ropeTheta }
}

/** Columns of a head: the hidden size shared out. */
export function sharedHeadDim(fields: Fields, hidden: number, heads: number): number {
  fields.note('headDim', 'default', 'hidden_size / num_attention_heads')
  if (fields.valid('hidden', 'heads') && hidden % heads !== 0) {
    const expected = 'hidden_size a multiple of num_attention_heads'
    fields.fail('indivisible', 'hidden_size', `is ${hidden}, with ${heads} heads`, expected, 'Correct one of the two.')
    return 2
  }
  return Math.floor(hidden / heads)
}
