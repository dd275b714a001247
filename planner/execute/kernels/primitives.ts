import type { NamedAttrMap, Tensor } from '@tensorflow/tfjs-core'
import { Variable } from '../../autograd/variable.ts'
import { type Axes, numel, ONE, sizes } from '../../trace/axes.ts'
import type { DType } from '../../trace/dtype.ts'
import type { Engine, EngineType, Turned, Values } from '../engines/engine.ts'
import type { DeviceLoop, HostLoop, LoopNumbers } from '../engines/loop.ts'
import { EngineError } from '../errors.ts'
import type { Ledger } from '../ledger.ts'
import { broadcastAxes } from './broadcast.ts'

/** A tensor with numbers: a tfjs handle with its axes. */
export type Num = Variable<Tensor>

/**
 * The steps that kernels are written in: each makes one storage, its result, and nothing else that outlives the call; `alias`
 * makes none, the `scaled` kind an extra number of 4 bytes before its result. A kernel frees what it made by `free`.
 */
export class Primitives {
  readonly engine: Engine
  readonly #ledger: Ledger

  constructor(engine: Engine, ledger: Ledger) {
    this.engine = engine
    this.#ledger = ledger
  }

  /** Runs `make`, whose storage has these axes. */
  #making(axes: Axes, dtype: EngineType, make: () => Tensor): Num {
    this.#ledger.expected = { axes, dtype }
    try {
      return new Variable(axes, dtype, make())
    } finally {
      this.#ledger.expected = null
    }
  }

  /** One tfjs kernel over named inputs. */
  run(
    kernel: string,
    inputs: Readonly<Record<string, Num>>,
    axes: Axes,
    attributes: NamedAttrMap = {},
    dtype: EngineType = 'float32',
  ): Num {
    const tensors: Record<string, Tensor> = {}
    for (const name in inputs) tensors[name] = inputs[name]!.data
    return this.#making(axes, dtype, () => this.engine.run(kernel, tensors, attributes))
  }

  unary(kernel: string, x: Num): Num {
    return this.run(kernel, { x }, x.axes)
  }

  binary(kernel: 'Add' | 'Sub' | 'Multiply' | 'RealDiv' | 'Maximum', a: Num, b: Num): Num {
    return this.run(kernel, { a, b }, broadcastAxes(a.axes, b.axes))
  }

  /** With a number of its type on the right: 4 bytes more while it runs. */
  scaled(kernel: 'Add' | 'Multiply' | 'Pow', x: Num, value: number): Num {
    const n = this.number(value, x.dtype)
    const y = this.run(kernel, { a: x, b: n }, x.axes, {}, engineType(x.dtype))
    this.free(n)
    return y
  }

  /** `value − x`: 4 bytes more while it runs. */
  from(value: number, x: Num): Num {
    const n = this.number(value)
    const y = this.run('Sub', { a: n, b: x }, x.axes)
    this.free(n)
    return y
  }

  /** Over the last axis, kept as one element: `[…, m] → […, 1]`. */
  rows(kernel: 'Sum' | 'Max', x: Num): Num {
    const axes = [...x.axes.slice(0, -1), ONE]
    const attributes = kernel === 'Sum' ? { axis: [x.axes.length - 1] } : { reductionIndices: [x.axes.length - 1] }
    return this.run(kernel, { x }, axes, { ...attributes, keepDims: true })
  }

  /** `[n, k] × [k, m] → [n, m]`, or with the same first axis on all three; a turned operand is `[k, n]` or `[m, k]`. */
  product(a: Num, b: Num, axes: Axes, turned: Turned = 'none'): Num {
    return this.#making(axes, 'float32', () => this.engine.product(a.data, b.data, turned))
  }

  /** A copy with its axes in another order. */
  turned(x: Num, order: readonly number[]): Num {
    const axes = order.map((i) => x.axes[i]!)
    return this.run('Transpose', { x }, axes, { perm: [...order] }, engineType(x.dtype))
  }

  concatenated(parts: readonly Num[], at: number, axes: Axes): Num {
    const dtype = engineType(parts[0]!.dtype)
    return this.#making(axes, dtype, () =>
      this.engine.runList(
        'Concat',
        parts.map((p) => p.data),
        { axis: at },
      ),
    )
  }

  /** The same storage under other axes. */
  alias(x: Num, axes: Axes = x.axes): Num {
    return new Variable(axes, x.dtype, this.engine.alias(x.data, sizes(axes)))
  }

  zeros(axes: Axes, dtype: DType = 'float32'): Num {
    const type = engineType(dtype)
    return this.#making(axes, type, () => this.engine.zeros(sizes(axes), type))
  }

  number(value: number, dtype: DType = 'float32'): Num {
    return this.upload([value], [], dtype)
  }

  /** A tensor with these numbers, row by row. */
  upload(values: ArrayLike<number>, axes: Axes, dtype: DType): Num {
    const type = engineType(dtype)
    return this.#making(axes, type, () => this.engine.upload(values, sizes(axes), type))
  }

  /** The storage itself. Not valid after the next allocation. */
  values(x: Num): Values {
    return this.engine.values(x.data)
  }

  /** The numbers of what came from the host, to read. Throws `EngineError` where a device has computed them. */
  known(x: Num): Values {
    const values = this.engine.known(x.data)
    if (values) return values
    const message = 'numbers that a device has computed are asked for within a step'
    throw new EngineError('not-on-host', this.engine.name, message, 'Take an engine in host memory, such as wasm.')
  }

  /** A loop over the storages themselves, of which `device` says how many are written: in place, without a storage of its own. */
  loop(device: DeviceLoop, xs: readonly Num[], numbers: () => LoopNumbers, host: HostLoop): void {
    this.engine.loop(
      device,
      xs.map((x) => x.data),
      numbers,
      host,
    )
  }

  /** The numbers of one tensor into another one as long, which may have another type. */
  copy(from: Num, to: Num): void {
    this.loop(
      COPY,
      [to, from],
      () => ({ count: numel(to.axes) }),
      (target, source) => target.set(source),
    )
  }

  /** Runs a kernel's saves of what it made: recomputing a checkpointed region may stop at one, and then all of it goes. */
  saving(made: readonly Num[], saves: () => void): void {
    try {
      saves()
    } catch (e) {
      this.free(...made)
      throw e
    }
  }

  free(...xs: readonly Num[]): void {
    for (const x of xs) {
      x.alive = false
      x.data.dispose()
    }
  }
}

const COPY: DeviceLoop = { name: 'copy', written: 1, body: 'b0[i] = T0(b1[i]);' }

/** How an engine stores a type: token ids are int32 in tfjs, all floating types float32. */
export function engineType(dtype: DType): EngineType {
  if (dtype === 'bool') return 'bool'
  return dtype === 'int64' || dtype === 'int32' ? 'int32' : 'float32'
}
