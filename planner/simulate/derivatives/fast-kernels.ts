import type { Operation } from '../../autograd/operation.ts'
import { type Axes, axis, merge } from '../../trace/axes.ts'
import type { Simulator } from '../simulator.ts'
import type { SimTensor, View } from '../storage.ts'
import { contiguousStrides } from '../strides.ts'
import { reshaped } from './shape.ts'

/** Entries of a row that one program of the kernel reads (MAX_FUSED_SIZE); a longer row is read in chunks. */
const ENTRIES = 65536

const asBefore = (s: Simulator, flat: SimTensor, axes: Axes): SimTensor => {
  const whole = s.view(flat, axes, contiguousStrides(axes))
  s.release(flat)
  return whole
}

/**
 * fms_acceleration_foak/kernels/unsloth/rms_layernorm.py, Fast_RMS_Layernorm: keeps its input as it came and a number a row; the
 * input's gradient is written over the incoming one, and the weight gets none, whether it trains or not.
 * input `[…, h]`, weight `[h]` → `[…, h]`.
 */
export const fastRmsNorm = (s: Simulator): Operation<View, 'fast_rms_norm'> => ({
  forward(call) {
    const [input, weight] = [call.inputs[0]!, call.inputs[1]!]
    const result = s.alloc(input.axes, input.dtype)
    const rows = s.alloc([merge(input.axes.slice(0, -1))], 'float32')
    let stopped = true
    try {
      if (call.recording) {
        call.save('input', input, 'd input')
        call.save('weight', weight, 'd input')
        call.save('r', rows, 'd input by row')
      }
      stopped = false
    } finally {
      s.release(rows)
      if (stopped) s.release(result)
    }
    return [s.asView(result)]
  },
  backward(call) {
    const incoming = call.grads[0]!
    return [s.view(incoming, incoming.axes, incoming.data.strides), null]
  },
})

/**
 * fms_acceleration_foak/kernels/unsloth/rope_embedding.py, Fast_RoPE_Embedding: forward and backward turn what they are given in
 * place; the tables are attributes of `ctx`. input `[b, t, a, d]`, cos and sin `[1, t, d]`.
 */
export const fastRope = (s: Simulator): Operation<View, 'fast_rope'> => {
  const turned = (x: SimTensor): SimTensor => {
    const [b, t, a, d] = [x.axes[0]!, x.axes[1]!, x.axes[2]!, x.axes[3]!]
    return asBefore(s, reshaped(s, x, [merge([b, t]), merge([a, d])]), x.axes)
  }
  return {
    forward(call) {
      call.attach(call.inputs[1]!, 'ctx.cos')
      call.attach(call.inputs[2]!, 'ctx.sin')
      return [turned(call.inputs[0]!)]
    },
    backward: (call) => [turned(call.grads[0]!), null, null],
  }
}

/**
 * fms_acceleration_foak/kernels/unsloth/cross_entropy_loss.py, Fast_CrossEntropyLoss: keeps the logits and a number a row; the
 * backward writes the gradient over the logits. logits `[n, V]`, target `[n]` → `[n]`.
 */
export const fastCrossEntropy = (s: Simulator): Operation<View, 'fast_cross_entropy'> => ({
  forward(call) {
    const [logits, target] = [call.inputs[0]!, call.inputs[1]!]
    const [rows, vocab] = [logits.axes[0]!, logits.axes[1]!]
    const losses = s.alloc([rows], 'float32')
    const chunks = Math.ceil(vocab.size / ENTRIES)
    const parts = chunks > 1 ? s.alloc([rows, axis('chunks', chunks)], 'float32') : null
    const sums = s.alloc([rows], 'float32')
    if (parts) {
      s.release(parts)
      s.release(s.alloc([rows], 'bool'))
    }
    if (call.recording) {
      call.save('logits', logits, 'd logits')
      call.save('logsumexp', sums, 'd logits by row')
      call.save('target', target, 'd logits by the target')
    }
    s.release(sums)
    return [losses]
  },
  backward: (call) => [s.alias(call.saved('logits')), null],
})

/** `torch.count_nonzero(target != -100)`. target `[n]` → one whole number. */
export const countTargets = (s: Simulator): Operation<View, 'count_targets'> => ({
  forward(call) {
    const counted = s.alloc(call.inputs[0]!.axes, 'bool')
    const count = s.alloc([], s.dialect.integer)
    s.release(counted)
    return [count]
  },
  backward: () => [null],
})
