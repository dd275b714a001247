import type { Operation } from '../../autograd/operation.ts'
import type { OpName } from '../../ops/attributes.ts'
import { type Derivative, SimulatedKernel } from '../derivative.ts'
import type { Simulator } from '../simulator.ts'
import type { View } from '../storage.ts'
import { flashAttn, sdpa } from './attention.ts'
import * as constant from './constant.ts'
import * as elementwise from './elementwise.ts'
import * as experts from './experts.ts'
import { countTargets, fastCrossEntropy, fastRmsNorm, fastRope } from './fast-kernels.ts'
import { fusedLora } from './fused-lora.ts'
import { fusedLinearCrossEntropy } from './fused-loss.ts'
import { bmm, conv1d, dequantize4bit, linear, linear4bit, linear8bit } from './product.ts'
import * as ranks from './ranks.ts'
import * as reduction from './reduction.ts'
import * as shape from './shape.ts'
import { embedding, nllLoss } from './table.ts'
import { tiled } from './tiled.ts'

type Simulated = { readonly [N in OpName]: (simulator: Simulator) => Operation<View, N> }

const kernel =
  <N extends OpName>(rule: Derivative<N>) =>
  (simulator: Simulator): Operation<View, N> =>
    new SimulatedKernel(rule, simulator)

/** What each operation keeps, and why: the answer for an operation stands in its family's file. */
export const DERIVATIVES: Simulated = {
  add: kernel(elementwise.add),
  add_: shape.addInPlace,
  add_scalar: kernel(elementwise.addScalar),
  sub: kernel(elementwise.sub),
  mul: kernel(elementwise.mul),
  div: kernel(elementwise.div),
  mul_scalar: kernel(elementwise.mulScalar),
  mul_whole: kernel(elementwise.mulWhole),
  div_whole: kernel(elementwise.divWhole),
  neg: kernel(elementwise.neg),
  where: kernel(elementwise.where),
  pow: kernel(elementwise.pow),
  rsqrt: kernel(elementwise.rsqrt),
  tanh: kernel(elementwise.tanh),
  relu: kernel(elementwise.relu),
  silu: kernel(elementwise.silu),
  gelu: kernel(elementwise.gelu),
  to: kernel(elementwise.to),
  dropout: kernel(elementwise.dropout),
  mean: kernel(reduction.mean),
  sum: shape.sum,
  vector_norm: kernel(reduction.vectorNorm),
  softmax: kernel(reduction.softmax),
  log_softmax: kernel(reduction.logSoftmax),
  layer_norm: kernel(reduction.layerNorm),
  linear: kernel(linear),
  conv1d: kernel(conv1d),
  linear_4bit: linear4bit,
  dequantize_4bit: dequantize4bit,
  linear_8bit: linear8bit,
  bmm: kernel(bmm),
  view: shape.reshape,
  reshape: shape.reshape,
  transpose: shape.transpose,
  permute: shape.permute,
  expand: shape.expand,
  unsqueeze: shape.unsqueeze,
  slice: shape.slice,
  select: shape.select,
  contiguous: shape.contiguous,
  clone: shape.clone,
  retype: shape.retype,
  detach: shape.detach,
  split: shape.split,
  unbind: shape.unbind,
  cat: shape.cat,
  all_reduce: ranks.allReduce,
  copy_to_ranks: ranks.copyToRanks,
  all_gather: ranks.allGather,
  own_piece: ranks.ownPiece,
  embedding_piece: ranks.embeddingPiece,
  topk: experts.topk,
  div_: experts.divInPlace,
  sort: experts.sort,
  floor_divide: kernel(experts.floorDivide),
  index: kernel(experts.index),
  histc: kernel(experts.histc),
  cumsum: kernel(experts.cumsum),
  inverse_permutation: experts.inversePermutation,
  grouped_mm: experts.groupedMm,
  embedding: kernel(embedding),
  nll_loss: kernel(nllLoss),
  fused_linear_cross_entropy: fusedLinearCrossEntropy,
  fast_rms_norm: fastRmsNorm,
  fast_rope: fastRope,
  fast_cross_entropy: fastCrossEntropy,
  count_targets: countTargets,
  fused_lora: fusedLora,
  sdpa: (simulator) => (simulator.dialect.tiles ? tiled(simulator, simulator.dialect.tiles) : sdpa(simulator)),
  flash_attn: (simulator) =>
    simulator.dialect.tiles ? tiled(simulator, simulator.dialect.tiles) : flashAttn(simulator),
  positions: constant.positions,
  constant: constant.constant,
  causal_mask: constant.causalMask,
  rotary_table: constant.rotaryTable,
  position_ids_after_padding: constant.positionIdsAfterPadding,
  positions_of_mask: constant.positionsOfMask,
  shifted_ids: constant.shiftedIds,
  relative_buckets: constant.relativeBuckets,
  pad: constant.pad,
  shift_right: constant.shiftRight,
}
