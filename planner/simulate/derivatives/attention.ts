import type { Meta } from '../../autograd/node.ts'
import type { Operation } from '../../autograd/operation.ts'
import { type Axis, axis } from '../../trace/axes.ts'
import type { DType } from '../../trace/dtype.ts'
import { Refusal } from '../../trace/errors.ts'
import type { Simulator } from '../simulator.ts'
import type { SimTensor, View } from '../storage.ts'
import { unary } from './elementwise.ts'

/**
 * Scaled dot-product attention as CUDA's fused kernels keep it: q, k, v, the result and the row sums (log-sum-exp), never the
 * scores (derivatives.yaml, _scaled_dot_product_flash_attention and _scaled_dot_product_efficient_attention).
 * query `[b, a, t, d]`, key and value `[b, k, s, d]`, mask `[b, 1 or a, t, s]` for the memory-efficient kernel only.
 */
export function sdpa(simulator: Simulator): Operation<View, 'sdpa'> {
  return {
    forward(call) {
      const [q, k, v, mask] = [call.inputs[0]!, call.inputs[1]!, call.inputs[2]!, call.inputs[3] ?? null]
      const flash = isFlash(q, mask)
      if (call.attributes.grouped && !flash) throw new Refusal('not-modelled', '--attention', GROUPED, GROUPED_NEXT)
      const bias = mask && additive(simulator, mask, q.dtype)
      if (call.recording) {
        call.save('query', q, 'attention scores again')
        call.save('key', k, 'attention scores again')
        call.save('value', v, 'd scores')
        if (bias) call.save('attn_bias', bias, 'attention scores again')
      }
      const [b, a, t, d] = [q.axes[0]!, q.axes[1]!, q.axes[2]!, q.axes[3]!]
      // The flash kernel's result is laid out as the query (empty_like), the memory-efficient one's [b, t, a, d].
      const written = flash ? unary(q, simulator).strides : heads([t.size, a.size, d.size])
      const strides = simulator.dialect.strided ? written : undefined
      const rows = flash ? t : axis(`${t.name}32`, Math.ceil(t.size / 32) * 32)
      const [result, lse, ...state] = call.kernel(() => [
        simulator.alloc([b, a, t, v.axes[3]!], q.dtype, strides),
        simulator.alloc([b, a, rows], 'float32'),
        simulator.alloc(flash ? [axis('rng', 2)] : [], flash ? 'uint64' : 'int64'),
        simulator.alloc([], flash ? 'uint64' : 'int64'),
      ]) as readonly [SimTensor, SimTensor, SimTensor, SimTensor]
      if (call.recording) {
        call.save('result', result, 'd scores by the result')
        call.save('lse', lse, 'softmax again, by row')
        state.forEach((s, i) => void call.save(`rng${i}`, s, 'random-number state'))
      }
      for (const s of bias ? [lse, ...state, bias] : [lse, ...state]) simulator.release(s)
      return [result]
    },
    backward(call) {
      const made: (SimTensor | null)[] = [null, null, null, null]
      const wanted = [0, 1, 2].map((i) => call.needs(i))
      // One kernel writes all three gradients, whichever are wanted: flash as their tensors lie, memory-efficient [b, t, a, d].
      const flash = isFlash(call.saved('query'), call.inputs[3] ?? null)
      const all = ['query', 'key', 'value'].map((slot) => {
        const { axes, dtype, data } = call.saved(slot)
        const [, a, t, d] = axes as readonly [Axis, Axis, Axis, Axis]
        return simulator.alloc(axes, dtype, flash ? data.strides : heads([t.size, a.size, d.size]))
      })
      for (let i = 0; i < 3; i++) {
        if (wanted[i]) made[i] = all[i]!
        else simulator.release(all[i]!)
      }
      return made
    },
  }
}

/**
 * flash_attn/flash_attn_interface.py, FlashAttnFunc: q, k, v, the result, the row sums and the random-number state (two int64,
 * whether there is dropout or not). query `[b, t, a, d]`, key and value `[b, s, k, d]`. What its kernels take for themselves and
 * give back (dQ in float32, dK and dV of all query heads) is not counted, as with PyTorch's own.
 */
export function flashAttn(simulator: Simulator): Operation<View, 'flash_attn'> {
  return {
    forward(call) {
      const [q, k, v] = [call.inputs[0]!, call.inputs[1]!, call.inputs[2]!]
      const [b, t, a] = [q.axes[0]!, q.axes[1]!, q.axes[2]!]
      const [result, lse, state] = call.kernel(() => [
        simulator.alloc(q.axes, q.dtype, unary(q, simulator).strides),
        simulator.alloc([b, a, t], 'float32'),
        simulator.alloc([axis('rng', 2)], 'int64'),
      ]) as readonly [SimTensor, SimTensor, SimTensor]
      if (call.recording) {
        call.save('query', q, 'attention scores again')
        call.save('key', k, 'attention scores again')
        call.save('value', v, 'd scores')
        call.save('result', result, 'd scores by the result')
        call.save('lse', lse, 'softmax again, by row')
        call.save('rng', state, 'random-number state')
      }
      simulator.release(lse)
      simulator.release(state)
      return [result]
    },
    backward(call) {
      // All three are made, whichever are wanted.
      const all = ['query', 'key', 'value'].map((slot) => {
        const { axes, dtype, data } = call.saved(slot)
        return simulator.alloc(axes, dtype, data.strides)
      })
      for (const [i, gradient] of all.entries()) if (!call.needs(i)) simulator.release(gradient)
      return all.map((gradient, i) => (call.needs(i) ? gradient : null))
    },
  }
}

/** sdp_utils.cpp, use_flash_attention: 16-bit types and no mask. */
const isFlash = (q: Meta, mask: Meta | null): boolean => mask === null && q.dtype !== 'float32'

/** sdp_utils.cpp: of the fused kernels only flash takes grouped keys (`supports_gqa`), and flash takes 16-bit types only. */
const GROUPED = 'sdpa in float32 with fewer key heads than query heads: CUDA has no fused kernel for it'
const GROUPED_NEXT = 'Say --attention eager, or --dtype bfloat16.'

/** A bool mask becomes an additive one on each call (aten/src/ATen/native/transformers/attention.cpp, convert_boolean_attn_mask). */
function additive(simulator: Simulator, mask: SimTensor, dtype: DType): SimTensor {
  if (mask.dtype !== 'bool') return simulator.alias(mask)
  const bias = simulator.alloc(mask.axes, dtype)
  simulator.release(simulator.alloc(mask.axes, 'bool'))
  return bias
}

const heads = ([t, a, d]: [number, number, number]): number[] => [t * a * d, d, a * d, 1]
