import type { Shorthand, Tensor } from '../ops/ops.ts'

/** rotate_half (modeling_llama.py): `[…, d] → […, d]` */
function rotateHalf<T extends Tensor>(o: Shorthand<T>, x: T): T {
  return o.call([x], (s) => {
    const at = x.axes.length - 1
    const { name, size } = x.axes[at]!
    const half = size / 2
    const x1 = s.let(o.slice(x, at, 0, half, `${name}/2`))
    const x2 = s.let(o.slice(x, at, half, half, `${name}/2`))
    return o.cat([o.neg(x2), x1], at)
  })
}

/** apply_rotary_pos_emb (modeling_llama.py): q `[b, a, t, d]`, k `[b, k, t, d]`, cos and sin `[1, t, d]`. */
export function applyRotary<T extends Tensor>(o: Shorthand<T>, q: T, k: T, cos: T, sin: T): readonly [T, T] {
  return o.call([q, k], (s) => {
    const c = s.let(o.unsqueeze(cos, 1))
    const i = s.let(o.unsqueeze(sin, 1))
    const rotatedQ = s.let(o.add(o.mul(q, c), o.mul(rotateHalf(o, q), i)))
    const rotatedK = s.let(o.add(o.mul(k, c), o.mul(rotateHalf(o, k), i)))
    return [rotatedQ, rotatedK] as const
  })
}
