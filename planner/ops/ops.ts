import type { Axes } from '../trace/axes.ts'
import type { DType } from '../trace/dtype.ts'
import type { AttributesOf, OpName } from './attributes.ts'

/** What a program may ask of a tensor, whoever runs it. */
export interface Tensor {
  readonly axes: Axes
  readonly dtype: DType
  readonly requiresGrad: boolean
}

/** How a parameter or buffer starts where no checkpoint is read. */
export type Init =
  | { readonly kind: 'normal'; readonly std: number }
  | { readonly kind: 'uniform'; readonly bound: number }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'arange' }
  | { readonly kind: 'inverse_frequencies'; readonly theta: number }

/** A weight or table of a module, by its path in `named_parameters()`; a runtime makes the tensor. Tied weights are one object. */
export interface Parameter {
  readonly path: string
  readonly axes: Axes
  readonly dtype: DType
  readonly trains: boolean
  /** It gets a gradient that no optimizer steps. */
  readonly strayGradient?: boolean
  /** Place in the model's list of parameters or buffers; a runtime keeps its tensors by it. */
  readonly index: number
  /** Scales and tables of quantized weights stand beside the parameters. */
  readonly kind: 'parameter' | 'buffer' | 'quantization'
  readonly init: Init
  /** The tensor of which this rank has a piece, where ranks divide it. */
  readonly whole?: Axes
  /** Weights it stands for, where they are packed. */
  readonly elements?: number
}

/**
 * The names of one function call, with the lifetimes that Python gives its locals: a name holds its tensor until it is
 * reassigned or the function returns.
 */
export interface Frame<T> {
  /** `name = x` */
  let(x: T): T
  /** `name = x` where `old` was the name's tensor: the old one goes after the new one is there. */
  set(old: T, x: T): T
  /** `del name` */
  del(old: T): void
}

export const CHECKPOINTING = ['none', 'reentrant', 'non-reentrant'] as const
export type CheckpointMode = (typeof CHECKPOINTING)[number]

/** How a region is checkpointed. */
export interface Checkpointing {
  readonly mode: CheckpointMode
  /** Operations whose results are kept and not made again (torch.utils.checkpoint, create_selective_checkpoint_contexts). */
  readonly keeps: ReadonlySet<OpName>
}

/**
 * Operations over tensors of one runtime. An operation consumes each argument that no name holds: the result of an inner call
 * goes when the outer one has returned, as on Python's stack. Using a tensor after its release throws `ReleasedTensor`.
 *
 * Shapes are in the axes' names: `linear` maps `[…, in]` to `[…, out]` by a weight `[out, in]`.
 */
export interface Ops<T extends Tensor> {
  /** Runs one operation; the first result where it has several. */
  run<N extends OpName>(op: N, inputs: readonly (T | null)[], attributes: AttributesOf<N>): T
  /** Runs one operation that has several results (`rotary_table`). */
  runAll<N extends OpName>(op: N, inputs: readonly (T | null)[], attributes: AttributesOf<N>): readonly T[]
  /** The runtime's tensor of a parameter or buffer; always held. */
  parameter(p: Parameter): T
  /** A plain Python function: its arguments are its first names. */
  call<R extends T | readonly T[]>(args: readonly T[], body: (frame: Frame<T>) => R): R
  /** A call of an `nn.Module`: opens a scope, and its caller holds the arguments until it returns. */
  module<R extends T | readonly T[]>(path: string, args: readonly T[], body: (frame: Frame<T>) => R): R
  /** Runs `body` without recording (`torch.no_grad`). */
  noGrad<R extends T | readonly T[]>(body: () => R): R
  /**
   * A region whose saved tensors are computed again in the backward (torch.utils.checkpoint). `args` are what it is called
   * with, `captured` what its closure refers to. A reentrant one has one result.
   */
  checkpoint<R extends T | readonly T[]>(
    how: Checkpointing,
    args: readonly T[],
    captured: readonly T[],
    body: (args: readonly T[]) => R,
  ): R
  /** `requires_grad_()` on a tensor without history (PEFT's `enable_input_require_grads` hook). */
  requireGrad(x: T): T
}

/** Short names for `Ops.run`, so that programs read like the modeling files they follow. */
export interface Shorthand<T extends Tensor> extends Ops<T> {
  add(a: T, b: T): T
  addScalar(a: T, value: number): T
  sub(a: T, b: T): T
  mul(a: T, b: T): T
  div(a: T, b: T): T
  /** By a mask or whole numbers, which have no gradient: `[…] × […] → […]` in the type of `a`. */
  mulWhole(a: T, whole: T): T
  divWhole(a: T, whole: T): T
  mulScalar(a: T, value: number): T
  /** By a number: the node keeps nothing and takes as much as a product with its inverse. */
  divScalar(a: T, value: number): T
  neg(a: T): T
  pow(a: T, exponent: number): T
  rsqrt(a: T): T
  tanh(a: T): T
  relu(a: T): T
  silu(a: T): T
  gelu(a: T, approximate?: 'none' | 'tanh'): T
  /** A cast; the tensor itself where it has that type already. */
  to(a: T, dtype: DType): T
  /** `F.dropout` in training; the tensor itself at p = 0. */
  dropout(a: T, p: number): T
  /** Mean over the last axis, kept as one element. */
  mean(a: T): T
  /** Over axis `at`, kept as one element if asked. */
  sum(a: T, at: number, keep?: boolean): T
  /** Euclidean length of each row: `[n, m] → [n]`. */
  vectorNorm(a: T): T
  detach(a: T): T
  /** Over the last axis, in `dtype`. */
  softmax(a: T, dtype?: DType): T
  logSoftmax(a: T): T
  layerNorm(a: T, weight: T, bias: T | null, eps: number): T
  /** `[…, in] × [out, in] → […, out]`: leading axes flattened for one product (aten/src/ATen/native/Linear.cpp). */
  linear(a: T, weight: T, bias?: T | null): T
  /** `[s, n, k] × [s, k, m] → [s, n, m]` */
  bmm(a: T, b: T): T
  /** `[…, n, k] × […, k, m] → […, n, m]`: leading axes flattened for one `bmm` (aten/src/ATen/native/LinearAlgebra.cpp, matmul). */
  matmul(a: T, b: T): T
  view(a: T, axes: Axes): T
  reshape(a: T, axes: Axes): T
  transpose(a: T, x: number, y: number): T
  permute(a: T, order: readonly number[]): T
  expand(a: T, axes: Axes): T
  unsqueeze(a: T, at: number): T
  slice(a: T, at: number, start: number, length: number, name?: string): T
  select(a: T, at: number, index: number): T
  /** `split` or `chunk` of axis `at`: a result for each part. */
  split(a: T, at: number, parts: Axes): readonly T[]
  /** Places of axis `at`, each without it. */
  unbind(a: T, at: number): readonly T[]
  contiguous(a: T): T
  cat(parts: readonly T[], at: number): T
  embedding(weight: T, ids: T): T
  nllLoss(logProbabilities: T, target: T, ignoreIndex?: number): T
}
