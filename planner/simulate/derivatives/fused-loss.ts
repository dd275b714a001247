import type { Operation } from '../../autograd/operation.ts'
import type { FusedLossVersion } from '../../ops/attributes.ts'
import { type Axes, type Axis, axis } from '../../trace/axes.ts'
import type { DType } from '../../trace/dtype.ts'
import type { Simulator } from '../simulator.ts'
import type { SimTensor, View } from '../storage.ts'

/**
 * Liger's linear and cross entropy in one (liger_kernel/ops/fused_linear_cross_entropy.py; fms-acceleration's copy of an early version,
 * fms_acceleration_foak/fused_ops/liger_ce/fused_linear_cross_entropy_loss.py): the logits are made for some rows at a
 * time, and the forward makes the gradients already, which are all that it keeps. input `[n, h]`, weight `[V, h]`, target `[n]` →
 * one number.
 */
export const fusedLinearCrossEntropy = (s: Simulator): Operation<View, 'fused_linear_cross_entropy'> => ({
  forward(call) {
    const [input, weight, target] = [call.inputs[0]!, call.inputs[1]!, call.inputs[2]!]
    const chunks = chunksOf(input, weight, call.attributes.version)
    const isNew = call.attributes.version === '0.8'
    const weightFirst = !isNew && call.needs(1) ? zeros(s, weight) : null
    const gradInput = zeros(s, input)
    const gradWeight = weightFirst ?? (isNew && call.needs(0) && call.needs(1) ? zeros(s, weight) : null)
    const losses = s.alloc([chunks.rows], 'float32')
    const held = PASSES[call.attributes.version](s, { input, weight, target, gradWeight, chunks })
    const loss = s.alloc([], 'float32')
    if (call.recording) {
      call.save('grad_input', gradInput, 'dX, made in the forward')
      if (gradWeight) call.save('grad_weight', gradWeight, 'dW, made in the forward')
    }
    for (const t of [...held, losses, gradInput, ...(gradWeight ? [gradWeight] : [])]) s.release(t)
    return [loss]
  },
  backward(call) {
    // `torch.ne(grad_output, torch.tensor(1.0))`: at one there is nothing to multiply.
    s.release(s.alloc([], 'float32'))
    const given = (slot: string, i: number) => (call.needs(i) && call.has(slot) ? s.alias(call.saved(slot)) : null)
    return [given('grad_input', 0), given('grad_weight', 1), null]
  },
})

interface Chunks {
  readonly rows: Axis
  readonly vocab: Axis
  readonly width: Axis
  /** Rows of each chunk. */
  readonly sizes: readonly number[]
}

interface Operands {
  readonly input: SimTensor
  readonly weight: SimTensor
  readonly target: SimTensor
  readonly gradWeight: SimTensor | null
  readonly chunks: Chunks
}

/** As many rows that a chunk of logits is about as large as the input, a power of two. */
function chunksOf(input: SimTensor, weight: SimTensor, version: FusedLossVersion): Chunks {
  const [rows, width] = [input.axes[0]!, input.axes[1]!]
  const vocab = weight.axes[0]!
  const n = rows.size
  const power = 2 ** Math.ceil(Math.log2(Math.max(1, Math.ceil(n / Math.ceil(vocab.size / width.size)))))
  const chunk = version === '0.8' ? Math.min(power, n) : power
  const sizes: number[] = []
  for (let at = 0; at < n; at += chunk) sizes.push(Math.min(chunk, n - at))
  return { rows, vocab, width, sizes }
}

const zeros = (s: Simulator, like: SimTensor): SimTensor => s.alloc(like.axes, like.dtype)

/** 0.8: one buffer of logits serves all chunks, products are written into the gradients. Returns what lives until the end. */
function reusedChunks(s: Simulator, { input, weight, target, gradWeight, chunks }: Operands): SimTensor[] {
  const mask = s.alloc(target.axes, 'bool')
  s.release(s.alloc([], s.dialect.integer))
  const logits = s.alloc([axis('chunk', chunks.sizes[0]!), chunks.vocab], input.dtype)
  // float32 gradients of float32 logits have no accumulating product: each chunk's is a matrix of its own.
  if (gradWeight?.dtype === 'float32') for (const _ of chunks.sizes) s.release(s.alloc(weight.axes, 'float32'))
  s.release(logits)
  return [mask]
}

/**
 * 0.5: each chunk's logits and their scaled copy are new tensors, made while the last chunk's are still named. Returns the last
 * ones and the count of targets.
 */
function scaledChunks(s: Simulator, { input, target, chunks }: Operands): SimTensor[] {
  const passing = (axes: Axes, dtype: DType) => s.release(s.alloc(axes, dtype))
  const compared = s.alloc(target.axes, 'bool')
  const count = s.alloc([], s.dialect.integer)
  s.release(compared)
  let [logits, scaled, share]: (SimTensor | null)[] = [null, null, null]
  const instead = (old: SimTensor | null | undefined, t: SimTensor): SimTensor => {
    if (old) s.release(old)
    return t
  }
  for (const size of chunks.sizes) {
    const rows = axis('chunk', size)
    logits = instead(logits, s.alloc([rows, chunks.vocab], input.dtype))
    passing([rows], 'bool')
    passing([], s.dialect.integer)
    passing([], 'bool')
    share = instead(share, s.alloc([], 'float32'))
    passing([rows], 'float32')
    scaled = instead(scaled, s.alloc([rows, chunks.vocab], input.dtype))
    passing([rows, chunks.width], input.dtype)
  }
  return [count, ...[logits, scaled, share].filter((t) => t != null)]
}

/** The copy: as 0.5, but each chunk's logits are widened for the kernel and narrowed after it, and counts are numbers of the host. */
function widenedChunks(s: Simulator, { input, target, chunks }: Operands): SimTensor[] {
  const passing = (axes: Axes, dtype: DType) => s.release(s.alloc(axes, dtype))
  const compared = s.alloc(target.axes, 'bool')
  const count = s.alloc([], s.dialect.integer)
  s.release(compared)
  const named = new Map<string, SimTensor>()
  const assign = (name: string, t: SimTensor): void => {
    const old = named.get(name)
    named.set(name, t)
    if (old) s.release(old)
  }
  for (const size of chunks.sizes) {
    const rows = axis('chunk', size)
    const wide = [rows, chunks.vocab]
    assign('logits', s.alloc(wide, input.dtype))
    const counted = s.alloc([rows], 'bool')
    passing([], s.dialect.integer)
    s.release(counted)
    if (input.dtype !== 'float32') {
      assign('logits', s.alloc(wide, 'float32'))
      assign('logits', s.alloc(wide, input.dtype))
    }
    passing([], 'bool')
    const inverse = s.alloc([], 'float32')
    assign('share', s.alloc([], 'float32'))
    s.release(inverse)
    passing([rows], 'float32')
    assign('scaled', s.alloc(wide, input.dtype))
    passing([rows, chunks.width], input.dtype)
  }
  return [count, ...named.values()]
}

/** How each version goes through its chunks. */
const PASSES: { readonly [V in FusedLossVersion]: (s: Simulator, operands: Operands) => SimTensor[] } = {
  '0.5': scaledChunks,
  '0.8': reusedChunks,
  foak: widenedChunks,
}
