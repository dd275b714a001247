import type { Tensor } from '@tensorflow/tfjs-core'
import type { Operation } from '../../autograd/operation.ts'
import type { OpName } from '../../ops/attributes.ts'
import * as activation from './activation.ts'
import { flashAttn, sdpa } from './attention.ts'
import * as constant from './constant.ts'
import { dropout } from './dropout.ts'
import * as elementwise from './elementwise.ts'
import type { Kernel } from './kernel.ts'
import { layerNorm } from './norm.ts'
import type { Primitives } from './primitives.ts'
import { bmm, conv1d, linear } from './product.ts'
import * as reduction from './reduction.ts'
import * as shape from './shape.ts'
import { embedding, nllLoss } from './table.ts'

/** Operations by name; what is missing is not executed on these engines. */
export type Kernels = { readonly [N in OpName]?: Operation<Tensor, N> }

/** Every operation with numbers. `random` opens the stream of the next dropout, `tile` is the length of attention's blocks. */
export function kernelsOf(p: Primitives, random: () => () => number, tile: number): Kernels {
  const table: { readonly [N in OpName]?: Kernel<N> } = {
    add: elementwise.add,
    add_scalar: elementwise.addScalar,
    sub: elementwise.sub,
    mul: elementwise.mul,
    div: elementwise.div,
    mul_scalar: elementwise.mulScalar,
    mul_whole: elementwise.mulWhole,
    div_whole: elementwise.divWhole,
    neg: elementwise.neg,
    pow: elementwise.pow,
    rsqrt: elementwise.rsqrt,
    tanh: activation.tanh,
    relu: activation.relu,
    silu: activation.silu,
    gelu: activation.gelu,
    to: elementwise.to,
    dropout: dropout(random),
    mean: reduction.mean,
    sum: reduction.sum,
    vector_norm: reduction.vectorNorm,
    softmax: reduction.softmax,
    log_softmax: reduction.logSoftmax,
    layer_norm: layerNorm,
    linear,
    conv1d,
    bmm,
    sdpa: sdpa(random, tile),
    flash_attn: flashAttn(random, tile),
    view: shape.view,
    reshape: shape.reshape,
    transpose: shape.transpose,
    permute: shape.permute,
    expand: shape.expand,
    unsqueeze: shape.unsqueeze,
    slice: shape.slice,
    select: shape.select,
    contiguous: shape.contiguous,
    clone: shape.clone,
    detach: shape.detach,
    split: shape.split,
    unbind: shape.unbind,
    cat: shape.cat,
    embedding,
    nll_loss: nllLoss,
    positions: constant.positions,
    constant: constant.constant,
    causal_mask: constant.causalMask,
    rotary_table: constant.rotaryTable,
    positions_of_mask: constant.positionsOfMask,
    shifted_ids: constant.shiftedIds,
    position_ids_after_padding: constant.positionIdsAfterPadding,
    relative_buckets: constant.relativeBuckets,
    pad: constant.pad,
    shift_right: constant.shiftRight,
  }
  const made: Partial<Record<OpName, unknown>> = {}
  for (const name of Object.keys(table) as OpName[]) made[name] = (table[name] as Kernel<OpName>)(p)
  // Each entry was made from the one of its own name.
  return made as Kernels
}
