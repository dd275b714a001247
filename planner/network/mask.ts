import type { Shorthand, Tensor } from '../ops/ops.ts'
import { type Axis, axis, ONE } from '../trace/axes.ts'
import type { DType } from '../trace/dtype.ts'
import { Refusal } from '../trace/errors.ts'
import type { TrainSpec } from '../training/spec.ts'
import { CURRENT, type Library } from './library.ts'

/** What a causal mask is for. `[b, t]`, and the batch's own mask where it is padded. */
export interface MaskOf<T> {
  readonly batch: Axis
  readonly tokens: Axis
  readonly dtype: DType
  readonly window: number | null
  readonly padding: T | null
  /** Whose helper makes it in transformers 4, where a modeling file has its own. */
  readonly helper?: 'mistral' | 't5'
}

/**
 * The mask of a causal decoder, none under sdpa where the kernel is told `is_causal`: without padding and within the window.
 */
export function causalMask<T extends Tensor>(
  o: Shorthand<T>,
  train: TrainSpec,
  of: MaskOf<T>,
  library: Library = CURRENT,
): T | null {
  // flash-attn is told `causal`; a padded batch, whose tokens it would sort out by their values, is the engines' own kernel's alone.
  if (train.attention === 'flash_attention_2') return of.padding
  return library.mask === 'masking_utils' ? mask5(o, train, of) : mask4(o, train, of)
}

/** transformers/masking_utils.py, create_causal_mask: bool under sdpa, additive under eager. */
function mask5<T extends Tensor>(o: Shorthand<T>, train: TrainSpec, of: MaskOf<T>): T | null {
  const { batch, tokens, window, padding } = of
  const sdpa = train.attention === 'sdpa'
  if (sdpa && isCausalEnough(of)) return null
  const dtype = sdpa ? 'bool' : of.dtype
  const stretched = sdpa && padding === null
  return o.run('causal_mask', [padding], { batch, tokens, keys: tokens, dtype, window, stretched })
}

/**
 * _update_causal_mask of transformers 4 (modeling_llama.py, modeling_mistral.py): always additive, and one column longer than
 * the sequence where the batch has no mask. Only Mistral's knows a window. Attention takes its first columns.
 */
function mask4<T extends Tensor>(o: Shorthand<T>, train: TrainSpec, of: MaskOf<T>): T | null {
  const { batch, tokens, padding, dtype } = of
  const window = of.helper ? of.window : null
  if (train.attention === 'sdpa') {
    if (isCausalEnough({ ...of, window })) return null
    throw new Refusal('not-modelled', '--attention', UNALIGNED, 'Say --attention eager.')
  }
  const keys = padding ? tokens : axis(`${tokens.name}+1`, tokens.size + 1)
  return o.call([], (s) => {
    const attributes = { batch, tokens, keys, dtype, window, stretched: padding === null }
    const whole = o.run('causal_mask', [padding], of.helper ? { ...attributes, helper: of.helper } : attributes)
    return padding ? whole : o.slice(s.let(whole), 3, 0, tokens.size, tokens.name)
  })
}

/** attention.cpp, preprocess_mask: rows that are one longer than the keys are not aligned, and are padded on each call. */
const UNALIGNED =
  'the mask of a window under sdpa, whose rows CUDA pads on each call in transformers 4, is not modelled'

const isCausalEnough = ({ padding, window, tokens }: MaskOf<unknown>): boolean =>
  padding === null && (window === null || tokens.size < window)

/**
 * An additive mask for keys alone from a batch's mask of ones, as transformers 4 makes one where it was given none: `[b, 1, 1, s]`
 * (modeling_t5.py, T5Stack.forward; modeling_utils.py, invert_attention_mask).
 */
export function invertedMask<T extends Tensor>(o: Shorthand<T>, ones: T, dtype: DType): T {
  return o.call([ones], (s) => {
    const [batch, keys] = [ones.axes[0]!, ones.axes[1]!]
    let mask = s.let(o.view(ones, [batch, ONE, ONE, keys]))
    mask = s.set(mask, o.to(mask, dtype))
    return s.set(mask, o.mulScalar(o.addScalar(mask, -1), HIGHEST[dtype === 'float16' ? 'float16' : 'float32']))
  })
}

/** Largest numbers of floating types; bfloat16 has float32's exponent. */
const HIGHEST = { float16: 65504, float32: 3.4028234663852886e38 } as const

/**
 * The mask of an encoder, or of a decoder that reads one (`keys` are then the encoder's): none without padding. A batch whose mask hides nothing has none under sdpa and eager either; what is
 * modelled is one that hides something. A window hides what is farther on either side (transformers/masking_utils.py,
 * create_bidirectional_mask and create_bidirectional_sliding_window_mask).
 */
export function bidirectionalMask<T extends Tensor>(
  o: Shorthand<T>,
  train: TrainSpec,
  at: { batch: Axis; tokens: Axis; keys?: Axis; dtype: DType; padding: T | null; window?: number | null },
): T | null {
  const { batch, tokens, keys = tokens, padding, window = null } = at
  // flash-attn is told its window
  if (train.attention === 'flash_attention_2') return padding
  if (padding === null && (window === null || keys.size < window)) return null
  const sdpa = train.attention === 'sdpa'
  const dtype = sdpa ? 'bool' : at.dtype
  const stretched = sdpa && padding === null
  return o.run('causal_mask', [padding], { batch, tokens, keys, dtype, window, stretched, bidirectional: true })
}
