import type { Meta } from '../../autograd/node.ts'
import type { Forward, Operation } from '../../autograd/operation.ts'
import type { OpName } from '../../ops/attributes.ts'
import { type Axes, axis, ONE } from '../../trace/axes.ts'
import { shapeOf, stepsOf } from '../script.ts'
import { metaOf, type Simulator } from '../simulator.ts'
import type { SimTensor, View } from '../storage.ts'

/**
 * Tables that a model makes from numbers on each call: no gradient, but temporaries, which the dialect's script lists. A script
 * may name the inputs, the results and the shapes in `parts`; what it leaves alive under a name in `held` is handed out as well,
 * for the program to hold as long as the function that made it would.
 */
function made<N extends OpName>(
  simulator: Simulator,
  op: N,
  shapes: (call: Forward<View, N>) => {
    results: Record<string, Meta>
    parts?: Record<string, Meta>
    variant?: string
    held?: readonly string[]
  },
): Operation<View, N> {
  return {
    forward(call) {
      const { results, parts = {}, variant, held = [] } = shapes(call)
      const script = simulator.dialect.forward[variant ? (`${op}.${variant}` as const) : op]
      const names = Object.keys(results)
      const known = (name: string): Meta | null =>
        results[name] ?? parts[name] ?? metaOf(call.inputs[Number(/^in(\d)$/.exec(name)?.[1] ?? -1)])
      const alive = new Map<string, SimTensor>()
      for (const step of stepsOf(script ?? [])) {
        if (step.do === 'free') {
          const t = alive.get(step.name)
          if (!t) throw new Error(`${op}: the script frees ${step.name}, which is not there`)
          simulator.release(t)
          alive.delete(step.name)
        } else if (step.do === 'alloc') {
          const { axes, dtype } = shapeOf(step.shape, known)
          alive.set(step.name, simulator.alloc(axes, dtype))
        }
      }
      for (const n of names) if (!alive.has(n)) alive.set(n, simulator.alloc(results[n]!.axes, results[n]!.dtype))
      names.push(...held.filter((n) => alive.has(n)))
      for (const [n, t] of alive) if (!names.includes(n)) simulator.release(t)
      return names.map((n) => alive.get(n)!)
    },
    backward: () => [],
  }
}

export const positions = (s: Simulator): Operation<View, 'positions'> =>
  made(s, 'positions', ({ attributes: { axes, past = true } }) => ({
    ...(past ? {} : { variant: 'alone' }),
    results: { result: { axes, dtype: s.dialect.integer } },
    parts: { row: { axes, dtype: s.dialect.integer } },
  }))

export const constant = (s: Simulator): Operation<View, 'constant'> =>
  made(s, 'constant', ({ attributes: { axes, dtype } }) => ({
    results: { result: { axes, dtype: dtype === 'int64' ? s.dialect.integer : dtype } },
  }))

/**
 * `[b, 1, t, s]`: additive, 0 or the type's lowest number, or bool (transformers/masking_utils.py, eager_mask and sdpa_mask). A
 * padded batch's own mask `[b, t]` is joined in.
 */
export const causalMask = (s: Simulator): Operation<View, 'causal_mask'> => {
  const mask = made(s, 'causal_mask', ({ attributes, inputs }) => {
    const { batch, tokens, keys, dtype, window, stretched = false, helper = false, bidirectional = false } = attributes
    const { integer } = s.dialect
    const axes: Axes = [batch, ONE, tokens, keys]
    const shared: Axes = [ONE, ONE, tokens, keys]
    const both = bidirectional && 'bidirectional'
    const variant = [
      helper,
      both,
      window !== null && 'sliding',
      inputs[0] && 'padded',
      dtype === 'bool' && 'bool',
      // its numbers are made in float32, and cast
      helper === 't5_extended' && dtype === 'float32' && 'float32',
    ].filter(Boolean)
    return {
      results: { result: { axes: stretched ? shared : axes, dtype } },
      ...(variant.length > 0 ? { variant: variant.join('_') } : {}),
      parts: {
        batch: { axes: [batch], dtype: integer },
        head: { axes: [ONE], dtype: integer },
        query: { axes: [tokens], dtype: integer },
        key: { axes: [keys], dtype: integer },
        padding: { axes: [batch, keys], dtype: 'bool' },
        allowed: { axes: shared, dtype: 'bool' },
        span: { axes: shared, dtype: integer },
        whole: { axes, dtype: 'bool' },
        one: { axes: shared, dtype },
        row: { axes: [tokens, ONE], dtype: integer },
        number: { axes: [], dtype },
        bit: { axes: [], dtype: 'bool' },
      },
    }
  })
  return {
    ...mask,
    forward(call) {
      const [result] = mask.forward(call)
      const { batch } = call.attributes
      if (!s.dialect.strided || result!.axes[0]!.size === batch.size) return [result!]
      const stretched = s.view(result!, [batch, ...result!.axes.slice(1)], [0, ...result!.data.strides.slice(1)])
      s.release(result!)
      return [stretched]
    },
  }
}

/** cos and sin `[1, t, d]` (LlamaRotaryEmbedding.forward). */
export const rotaryTable = (s: Simulator): Operation<View, 'rotary_table'> =>
  made(s, 'rotary_table', ({ attributes: { width, dtype, scaling }, inputs }) => {
    const axes: Axes = [ONE, inputs[1]!.axes.at(-1)!, width]
    const half: Axes = [...axes.slice(0, -1), axis(`${width.name}/2`, width.size / 2)]
    const variant = [scaling === null && 'unscaled', dtype === 'float32' && 'float32'].filter(Boolean)
    return {
      results: { cos: { axes, dtype }, sin: { axes, dtype } },
      ...(variant.length > 0 ? { variant: variant.join('_') } : {}),
      parts: {
        ids: { axes: [ONE, inputs[1]!.axes.at(-1)!, ONE], dtype: 'float32' },
        half: { axes: half, dtype: 'float32' },
        whole: { axes, dtype: 'float32' },
      },
    }
  })

/** RoBERTa counts positions from the padding index (modeling_roberta.py, create_position_ids_from_input_ids). */
export const positionIdsAfterPadding = (s: Simulator): Operation<View, 'position_ids_after_padding'> =>
  made(s, 'position_ids_after_padding', ({ inputs }) => {
    const { axes } = inputs[0]!
    return { results: { result: { axes, dtype: s.dialect.integer } } }
  })

/** Positions from a mask (modeling_opt.py, OPTDecoder.forward); of whole numbers already where the batch brings the mask. */
export const positionsOfMask = (s: Simulator): Operation<View, 'positions_of_mask'> =>
  made(s, 'positions_of_mask', ({ inputs }) => {
    const { axes, dtype } = inputs[0]!
    return {
      results: { result: { axes, dtype: s.dialect.integer } },
      parts: { mask: { axes, dtype } },
      ...(dtype === 'float32' ? {} : { variant: 'whole' }),
    }
  })

export const shiftedIds = (s: Simulator): Operation<View, 'shifted_ids'> =>
  made(s, 'shifted_ids', ({ inputs }) => ({ results: { result: { axes: inputs[0]!.axes, dtype: s.dialect.integer } } }))

/** Bucket numbers `[t, s]`, and the positions that compute_bias has names for (modeling_t5.py). */
export const relativeBuckets = (s: Simulator): Operation<View, 'relative_buckets'> =>
  made(s, 'relative_buckets', ({ attributes: { query, key, bidirectional } }) => ({
    ...(bidirectional ? {} : { variant: 'causal' }),
    held: ['q', 'k', 'relative'],
    results: { result: { axes: [query, key], dtype: s.dialect.integer } },
    parts: { query: { axes: [query], dtype: s.dialect.integer }, key: { axes: [key], dtype: s.dialect.integer } },
  }))

/** One more column (F.pad(labels, (0, 1)), constant_pad_nd). */
export const pad = (s: Simulator): Operation<View, 'pad'> =>
  made(s, 'pad', ({ inputs, attributes: { name } }) => {
    const { axes, dtype } = inputs[0]!
    return { results: { result: { axes: [...axes.slice(0, -1), axis(name, axes.at(-1)!.size + 1)], dtype } } }
  })

/** Decoder inputs from labels (modeling_t5.py, _shift_right). */
export const shiftRight = (s: Simulator): Operation<View, 'shift_right'> =>
  made(s, 'shift_right', ({ inputs }) => {
    const { axes } = inputs[0]!
    const last = axes.at(-1)!
    const short = [...axes.slice(0, -1), axis(`${last.name}-1`, last.size - 1)]
    return {
      results: { result: { axes, dtype: s.dialect.integer } },
      parts: { wrong: { axes, dtype: 'bool' }, short: { axes: short, dtype: s.dialect.integer } },
    }
  })
