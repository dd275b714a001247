import type { Operation } from '../../autograd/operation.ts'
import type { Packed } from '../../ops/attributes.ts'
import { type Axes, type Axis, merge } from '../../trace/axes.ts'
import type { DType } from '../../trace/dtype.ts'
import type { Simulator } from '../simulator.ts'
import type { SimTensor, View } from '../storage.ts'

/** Tensors of one projection among the inputs, after the common x: packed weight, A `[r, in]`, B `[out, r]`. */
const EACH = 3

/**
 * fms_acceleration_foak/fused_ops/unsloth_lora/bnb/fast_lora.py, LoRA_QKV and LoRA_W: x is kept whatever trains, with dropout
 * once more for each adapter, and XA is worked out again, so that LoRA-FA saves nothing here. A projection's weight is unpacked for its product
 * (utils.py, matmul_lora and fast_dequantize). LoRA_QKV writes dX over x. x `[b, t, in]` → `[b, t, out]` for each projection.
 */
export const fusedLora = (s: Simulator): Operation<View, 'fused_lora'> => ({
  forward(call) {
    const x = call.inputs[0]!
    const { projections, dropout } = call.attributes
    const dropped: SimTensor[] = []
    const results = projections.map((packed, i) => {
      const [a, b] = [call.inputs[EACH * i + 2]!, call.inputs[EACH * i + 3]!]
      return projected(s, x, packed, [a, b], dropout > 0 ? dropped : null)
    })
    let stopped = true
    try {
      if (call.recording) {
        call.save('x', x, 'dA, dB')
        for (const [i, t] of dropped.entries()) call.save(`dropped${i}`, t, 'dA, dB, and which entries were dropped')
        for (const i of projections.keys()) {
          call.save(`a${i}`, call.inputs[EACH * i + 2]!, 'dX, dB')
          call.save(`b${i}`, call.inputs[EACH * i + 3]!, 'dX, dA')
        }
      }
      stopped = false
    } finally {
      for (const t of stopped ? [...dropped, ...results] : dropped) s.release(t)
    }
    return results.map((y) => s.asView(y))
  },
  backward(call) {
    const { projections, overwrites } = call.attributes
    const x = call.saved('x')
    const pass = new Pass(s, x.axes, x.dtype)
    const adapters = projections.map((_, i) => [call.saved(`a${i}`), call.saved(`b${i}`)] as const)
    const factors = adapters.map(([a, b]) => pass.factors(a, b))
    let dX: SimTensor | null = null
    for (const [i, packed] of projections.entries()) {
      const [a, b] = adapters[i]!
      const dense = pass.unpacked(packed)
      if (dX) s.release(s.alloc(x.axes, x.dtype))
      else dX = overwrites ? s.view(x, x.axes, x.data.strides) : s.asView(s.alloc(x.axes, x.dtype))
      s.release(dense)
      pass.throughAdapter(a, b)
    }
    const given = (t: SimTensor, like: SimTensor, at: number): SimTensor | null => {
      const turned = call.needs(at) ? s.view(t, like.axes, [1, like.axes[0]!.size]) : null
      s.release(t)
      return turned
    }
    const ofAdapters = factors.flatMap(([dA, dB], i) => {
      const [a, b] = adapters[i]!
      return [null, given(dA, a, EACH * i + 2), given(dB, b, EACH * i + 3)]
    })
    if (call.needs(0)) return [dX, ...ofAdapters]
    if (dX) s.release(dX)
    return [null, ...ofAdapters]
  },
})

/** matmul_lora: the base's product, and the adapter's added into it; what it dropped out of x goes to `dropped`. */
function projected(
  s: Simulator,
  x: SimTensor,
  packed: Packed,
  [a, b]: readonly [SimTensor, SimTensor],
  dropped: SimTensor[] | null,
): SimTensor {
  const pass = new Pass(s, x.axes, x.dtype)
  const dense = pass.unpacked(packed)
  const axes = [...x.axes.slice(0, -1), packed.output]
  const y = s.alloc(axes, x.dtype)
  s.release(dense)
  if (dropped) {
    dropped.push(s.alloc(x.axes, x.dtype))
    s.release(s.alloc(x.axes, s.dialect.mask))
  }
  const xa = pass.product([pass.rows, a.axes[0]!], a)
  const scaled = pass.product([b.axes[1]!, b.axes[0]!], b)
  const xab = s.alloc(axes, x.dtype)
  for (const t of [xa, scaled, xab]) s.release(t)
  return y
}

/** The tensors on the way, for an input of one shape and type. */
class Pass {
  readonly rows: Axis
  readonly #s: Simulator
  readonly #axes: Axes
  readonly #dtype: DType

  constructor(s: Simulator, axes: Axes, dtype: DType) {
    this.#s = s
    this.#axes = axes
    this.#dtype = dtype
    this.rows = merge(axes.slice(0, -1))
  }

  /** fast_dequantize: the weight, and on the way its scales. */
  unpacked({ output, blocks }: Packed): SimTensor {
    const dense = this.#s.alloc([output, this.#axes.at(-1)!], this.#dtype)
    this.#s.release(this.#s.alloc([blocks], 'float32'))
    return dense
  }

  /** A product with an adapter's matrix, which is taken to the input's type for it. */
  product(axes: Axes, matrix: SimTensor): SimTensor {
    const cast = matrix.dtype === this.#dtype ? null : this.#s.alloc(matrix.axes, this.#dtype)
    const result = this.#s.alloc(axes, this.#dtype)
    if (cast) this.#s.release(cast)
    return result
  }

  /** dA `[in, r]` and dB `[r, out]`. */
  factors(a: SimTensor, b: SimTensor): readonly [SimTensor, SimTensor] {
    const [r, input, output] = [a.axes[0]!, a.axes[1]!, b.axes[0]!]
    const through = this.product([this.rows, r], b)
    const dA = this.#s.alloc([input, r], this.#dtype)
    this.#s.release(through)
    const xa = this.product([r, this.rows], a)
    const dB = this.#s.alloc([r, output], this.#dtype)
    this.#s.release(xa)
    return [dA, dB]
  }

  /** `dX += (x != 0) * (dY @ B @ (s * A))` */
  throughAdapter(a: SimTensor, b: SimTensor): void {
    const s = this.#s
    const kept = s.alloc(this.#axes, 'bool')
    const db = this.product([this.rows, b.axes[1]!], b)
    const scaled = this.product(a.axes, a)
    const whole = s.alloc(this.#axes, this.#dtype)
    s.release(db)
    s.release(scaled)
    const masked = s.alloc(this.#axes, this.#dtype)
    for (const t of [kept, whole, masked]) s.release(t)
  }
}
