import { type Axes, merge } from '../trace/axes.ts'
import type { DType } from '../trace/dtype.ts'
import type { AttributesOf, OpName } from './attributes.ts'
import type { Checkpointing, Frame, Parameter, Shorthand, Tensor } from './ops.ts'

const NONE = {}

/** The short names over a runtime's `run`; a runtime extends this and writes the mechanism only. */
export abstract class OpsBase<T extends Tensor> implements Shorthand<T> {
  abstract runAll<N extends OpName>(op: N, inputs: readonly (T | null)[], attributes: AttributesOf<N>): readonly T[]
  abstract parameter(p: Parameter): T
  abstract call<R extends T | readonly T[]>(args: readonly T[], body: (frame: Frame<T>) => R): R
  abstract module<R extends T | readonly T[]>(path: string, args: readonly T[], body: (frame: Frame<T>) => R): R
  abstract noGrad<R extends T | readonly T[]>(body: () => R): R
  abstract checkpoint<R extends T | readonly T[]>(
    how: Checkpointing,
    args: readonly T[],
    captured: readonly T[],
    body: (args: readonly T[]) => R,
  ): R
  abstract requireGrad(x: T): T

  /** Inputs in the type that `op` wants (autocast); a runtime without one hands them on. */
  casting<R>(_op: OpName | 'matmul', inputs: readonly (T | null)[], body: (inputs: readonly (T | null)[]) => R): R {
    return body(inputs)
  }

  run<N extends OpName>(op: N, inputs: readonly (T | null)[], attributes: AttributesOf<N>): T {
    return this.runAll(op, inputs, attributes)[0]!
  }
  add(a: T, b: T): T {
    return this.run('add', [a, b], NONE)
  }
  addScalar(a: T, value: number): T {
    return this.run('add_scalar', [a], { value })
  }
  sub(a: T, b: T): T {
    return this.run('sub', [a, b], NONE)
  }
  mul(a: T, b: T): T {
    return this.run('mul', [a, b], NONE)
  }
  div(a: T, b: T): T {
    return this.run('div', [a, b], NONE)
  }
  mulWhole(a: T, whole: T): T {
    return this.run('mul_whole', [a, whole], NONE)
  }
  divWhole(a: T, whole: T): T {
    return this.run('div_whole', [a, whole], NONE)
  }
  sum(a: T, at: number, keep = false): T {
    return this.run('sum', [a], { at, keep })
  }
  vectorNorm(a: T): T {
    return this.run('vector_norm', [a], NONE)
  }
  detach(a: T): T {
    return this.noGrad(() => this.run('detach', [a], NONE))
  }
  mulScalar(a: T, value: number): T {
    return this.run('mul_scalar', [a], { value })
  }
  divScalar(a: T, value: number): T {
    return this.mulScalar(a, 1 / value)
  }
  neg(a: T): T {
    return this.run('neg', [a], NONE)
  }
  pow(a: T, exponent: number): T {
    return this.run('pow', [a], { exponent })
  }
  rsqrt(a: T): T {
    return this.run('rsqrt', [a], NONE)
  }
  tanh(a: T): T {
    return this.run('tanh', [a], NONE)
  }
  relu(a: T): T {
    return this.run('relu', [a], NONE)
  }
  silu(a: T): T {
    return this.run('silu', [a], NONE)
  }
  gelu(a: T, approximate: 'none' | 'tanh' = 'none'): T {
    return this.run('gelu', [a], { approximate })
  }
  to(a: T, dtype: DType): T {
    return a.dtype === dtype ? a : this.run('to', [a], { dtype })
  }
  dropout(a: T, p: number): T {
    return p > 0 ? this.run('dropout', [a], { p }) : a
  }
  mean(a: T): T {
    return this.run('mean', [a], NONE)
  }
  softmax(a: T, dtype: DType = a.dtype): T {
    if (a.dtype === dtype) return this.run('softmax', [a], NONE)
    return this.call([a], () => this.run('softmax', [this.to(a, dtype)], NONE))
  }
  logSoftmax(a: T): T {
    return this.run('log_softmax', [a], NONE)
  }
  layerNorm(a: T, weight: T, bias: T | null, eps: number): T {
    return this.run('layer_norm', [a, weight, bias], { eps })
  }
  linear(a: T, weight: T, bias: T | null = null): T {
    const { axes } = a
    if (axes.length <= 2) return this.run('linear', [a, weight, bias], NONE)
    const rows = axes.slice(0, -1)
    return this.casting('linear', [a, weight, bias], (cast) => {
      const flat = this.reshape(cast[0]!, [merge(rows), axes[rows.length]!])
      return this.view(this.run('linear', [flat, cast[1]!, cast[2] ?? null], NONE), [...rows, weight.axes[0]!])
    })
  }
  bmm(a: T, b: T): T {
    return this.run('bmm', [a, b], NONE)
  }
  matmul(a: T, b: T): T {
    return this.casting('matmul', [a, b], (cast) =>
      this.call([cast[0]!, cast[1]!], () => this.#matmul(cast[0]!, cast[1]!)),
    )
  }
  #matmul(a: T, b: T): T {
    const rank = a.axes.length
    const stack = merge(a.axes.slice(0, rank - 2))
    const [rows, inner] = [a.axes[rank - 2]!, a.axes[rank - 1]!]
    const columns = b.axes[rank - 1]!
    const product = this.bmm(
      this.reshape(a, [stack, rows, inner]),
      this.reshape(b, [stack, b.axes[rank - 2]!, columns]),
    )
    return this.view(product, [...a.axes.slice(0, rank - 2), rows, columns])
  }
  view(a: T, axes: Axes): T {
    return this.run('view', [a], { axes })
  }
  reshape(a: T, axes: Axes): T {
    return this.run('reshape', [a], { axes })
  }
  transpose(a: T, x: number, y: number): T {
    return this.run('transpose', [a], { a: x, b: y })
  }
  permute(a: T, order: readonly number[]): T {
    return this.run('permute', [a], { order })
  }
  expand(a: T, axes: Axes): T {
    return this.run('expand', [a], { axes })
  }
  unsqueeze(a: T, at: number): T {
    return this.run('unsqueeze', [a], { at })
  }
  slice(a: T, at: number, start: number, length: number, name?: string): T {
    return this.run('slice', [a], name === undefined ? { at, start, length } : { at, start, length, name })
  }
  select(a: T, at: number, index: number): T {
    return this.run('select', [a], { at, index })
  }
  split(a: T, at: number, parts: Axes): readonly T[] {
    return this.runAll('split', [a], { at, parts })
  }
  unbind(a: T, at: number): readonly T[] {
    return this.runAll('unbind', [a], { at })
  }
  contiguous(a: T): T {
    return this.run('contiguous', [a], NONE)
  }
  cat(parts: readonly T[], at: number): T {
    return this.run('cat', parts, { at })
  }
  embedding(weight: T, ids: T): T {
    return this.run('embedding', [weight, ids], NONE)
  }
  nllLoss(logProbabilities: T, target: T, ignoreIndex = -100): T {
    return this.run('nll_loss', [logProbabilities, target], { ignoreIndex })
  }
}
