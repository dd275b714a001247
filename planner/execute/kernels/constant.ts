import { type Axes, axis, numel, ONE } from '../../trace/axes.ts'
import type { DType } from '../../trace/dtype.ts'
import type { Values } from '../engines/engine.ts'
import type { Kernel } from './kernel.ts'
import { engineType } from './primitives.ts'

const none = () => []

/** Zeros to be written and uploaded. */
function array(dtype: DType, length: number): Values {
  const type = engineType(dtype)
  if (type === 'float32') return new Float32Array(length)
  return type === 'int32' ? new Int32Array(length) : new Uint8Array(length)
}

/** 0, 1, 2 … along the last axis. */
export const positions: Kernel<'positions'> = (p) => ({
  forward: ({ attributes: { axes } }) => {
    const width = axes.at(-1)?.size ?? 1
    return [
      p.upload(
        new Int32Array(numel(axes)).map((_, i) => i % width),
        axes,
        'int32',
      ),
    ]
  },
  backward: none,
})

export const constant: Kernel<'constant'> = (p) => ({
  forward: ({ attributes: { axes, dtype, value } }) => {
    return [p.upload(array(dtype, numel(axes)).fill(value), axes, dtype)]
  },
  backward: none,
})

/** The lowest float32, which transformers puts where nothing may be seen (masking_utils.py, eager_mask). */
const LOWEST = -3.4028234663852886e38

/**
 * `[b, 1, t, s]`: 0 where a query sees a key, else the lowest number; as bool 1 and 0. A query sees itself and what is before
 * it, an encoder's what is after it too, not farther than `window`, and no padding (transformers/masking_utils.py).
 */
export const causalMask: Kernel<'causal_mask'> = (p) => ({
  forward: ({ attributes: { batch, tokens, keys, window, dtype, bidirectional, stretched }, inputs }) => {
    const padding = inputs[0] ?? null
    // One for all sequences is not stretched: what reads it takes it as it is.
    const rows = stretched ? ONE : batch
    const axes = [rows, ONE, tokens, keys]
    const to = array(dtype, numel(axes))
    const real = padding && p.known(padding)
    const [seen, hidden] = dtype === 'bool' ? [1, 0] : [0, LOWEST]
    let at = 0
    for (let b = 0; b < rows.size; b++) {
      for (let q = 0; q < tokens.size; q++) {
        for (let k = 0; k < keys.size; k++) {
          const near = bidirectional
            ? window === null || Math.abs(q - k) <= window
            : k <= q && (window === null || k > q - window)
          to[at++] = near && (real === null || real[b * keys.size + k] !== 0) ? seen : hidden
        }
      }
    }
    return [p.upload(to, axes, dtype)]
  },
  backward: none,
})

/** cos and sin `[1, t, d]` of position × frequency, the frequencies twice (modeling_llama.py, LlamaRotaryEmbedding). */
export const rotaryTable: Kernel<'rotary_table'> = (p) => ({
  forward: ({ attributes: { width, scaling: given }, inputs }) => {
    const scaling = given ?? 1
    const [frequencies, ids] = [inputs[0]!, inputs[1]!]
    const axes: Axes = [ONE, ids.axes.at(-1)!, width]
    const [f, n] = [p.known(frequencies), p.known(ids)]
    const [c, s] = [new Float32Array(numel(axes)), new Float32Array(numel(axes))]
    const half = width.size / 2
    for (let t = 0; t < axes[1]!.size; t++) {
      for (let i = 0; i < width.size; i++) {
        const angle = Math.fround(n[t]! * f[i % half]!)
        c[t * width.size + i] = Math.cos(angle) * scaling
        s[t * width.size + i] = Math.sin(angle) * scaling
      }
    }
    return [p.upload(c, axes, 'float32'), p.upload(s, axes, 'float32')]
  },
  backward: none,
})

/** RoBERTa counts from the padding index on, and gives padding that index (create_position_ids_from_input_ids). */
export const positionIdsAfterPadding: Kernel<'position_ids_after_padding'> = (p) => ({
  forward: ({ attributes: { padId }, inputs }) => {
    const ids = inputs[0]!
    const from = p.known(ids)
    const to = new Int32Array(from.length)
    const width = ids.axes.at(-1)!.size
    for (let i = 0, count = 0; i < from.length; i++) {
      if (i % width === 0) count = 0
      to[i] = from[i] === padId ? padId : ++count + padId
    }
    return [p.upload(to, ids.axes, 'int32')]
  },
  backward: none,
})

/** Positions of what a mask lets be seen, counted from 0 in each row (modeling_opt.py, OPTDecoder.forward). */
export const positionsOfMask: Kernel<'positions_of_mask'> = (p) => ({
  forward: ({ inputs }) => {
    const mask = inputs[0]!
    const from = p.known(mask)
    const to = new Int32Array(from.length)
    const width = mask.axes.at(-1)!.size
    for (let i = 0, count = 0; i < from.length; i++) {
      if (i % width === 0) count = 0
      count += from[i]!
      to[i] = count * from[i]! - 1
    }
    return [p.upload(to, mask.axes, 'int32')]
  },
  backward: none,
})

export const shiftedIds: Kernel<'shifted_ids'> = (p) => ({
  forward: ({ inputs, attributes: { by } }) => {
    const ids = inputs[0]!
    return [
      p.upload(
        p.known(ids).map((n) => n + by),
        ids.axes,
        'int32',
      ),
    ]
  },
  backward: none,
})

/** Bucket of a distance in tokens, in float32 as PyTorch computes it (modeling_t5.py, _relative_position_bucket). */
function bucketOf(distance: number, bidirectional: boolean, buckets: number, maxDistance: number): number {
  const half = bidirectional ? buckets / 2 : buckets
  const offset = bidirectional && distance > 0 ? half : 0
  const steps = bidirectional ? Math.abs(distance) : Math.max(0, -distance)
  const exact = Math.floor(half / 2)
  if (steps < exact) return offset + steps
  const { fround } = Math
  const log = fround(Math.log(fround(steps / exact)))
  const large = exact + Math.trunc(fround(fround(log / fround(Math.log(maxDistance / exact))) * (half - exact)))
  return offset + Math.min(large, half - 1)
}

/** Bucket numbers `[t, s]` of key − query. */
export const relativeBuckets: Kernel<'relative_buckets'> = (p) => ({
  forward: ({ attributes: { query, key, bidirectional, buckets, maxDistance } }) => {
    const to = new Int32Array(query.size * key.size)
    for (let q = 0; q < query.size; q++) {
      for (let k = 0; k < key.size; k++) to[q * key.size + k] = bucketOf(k - q, bidirectional, buckets, maxDistance)
    }
    return [p.upload(to, [query, key], 'int32')]
  },
  backward: none,
})

/** One more column of `value` at the end of the last axis (F.pad(labels, (0, 1))). */
export const pad: Kernel<'pad'> = (p) => ({
  forward: ({ attributes: { value, name }, inputs }) => {
    const x = inputs[0]!
    const width = x.axes.at(-1)!.size
    const axes = [...x.axes.slice(0, -1), axis(name, width + 1)]
    const from = p.known(x)
    const to = array(x.dtype, numel(axes)).fill(value)
    for (let row = 0; row * width < from.length; row++) {
      to.set(from.subarray(row * width, (row + 1) * width), row * (width + 1))
    }
    return [p.upload(to, axes, x.dtype)]
  },
  backward: none,
})

/** Decoder inputs from labels: one to the right, ignored labels become padding (modeling_t5.py, _shift_right). */
export const shiftRight: Kernel<'shift_right'> = (p) => ({
  forward: ({ attributes: { start, pad: padId, ignoreIndex }, inputs }) => {
    const labels = inputs[0]!
    const from = p.known(labels)
    const to = new Int32Array(from.length)
    const width = labels.axes.at(-1)!.size
    for (let i = 0; i < from.length; i++) {
      const id = i % width === 0 ? start : from[i - 1]!
      to[i] = id === ignoreIndex ? padId : id
    }
    return [p.upload(to, labels.axes, 'int32')]
  },
  backward: none,
})
