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

/** fast_rope_embedding (fms_acceleration_foak/kernels/unsloth/rope_embedding.py): q and k turn where they lie. */
export function applyFastRotary<T extends Tensor>(o: Shorthand<T>, q: T, k: T, cos: T, sin: T): readonly [T, T] {
  return o.call([q, k], (s) => {
    const turned = (x: T): T => o.transpose(o.run('fast_rope', [o.transpose(x, 1, 2), cos, sin], {}), 1, 2)
    const turnedQ = s.set(q, turned(q))
    const turnedK = s.set(k, turned(k))
    return [turnedQ, turnedK] as const
  })
}

/** The same of modeling_olmo2.py, whose tables are in float32: products in that type, results back in their own. */
export function applyWideRotary<T extends Tensor>(o: Shorthand<T>, q: T, k: T, cos: T, sin: T): readonly [T, T] {
  return o.call([q, k], (s) => {
    const c = s.let(o.unsqueeze(cos, 1))
    const i = s.let(o.unsqueeze(sin, 1))
    const rotatedQ = s.let(o.add(o.mul(q, c), o.mul(rotateHalf(o, q), i)))
    const rotatedK = s.let(o.add(o.mul(k, c), o.mul(rotateHalf(o, k), i)))
    return [o.to(rotatedQ, q.dtype), o.to(rotatedK, k.dtype)] as const
  })
}

/** The same of modeling_modernbert.py: q and k in float32 first, each cast twice. */
export function applyFloatRotary<T extends Tensor>(o: Shorthand<T>, q: T, k: T, cos: T, sin: T): readonly [T, T] {
  return o.call([q, k], (s) => {
    const c = s.let(o.unsqueeze(cos, 1))
    const i = s.let(o.unsqueeze(sin, 1))
    const wide = (x: T): T => o.to(x, 'float32')
    const turned = (x: T): T => o.add(o.mul(wide(x), c), o.mul(rotateHalf(o, wide(x)), i))
    const rotatedQ = s.let(turned(q))
    const rotatedK = s.let(turned(k))
    return [o.to(rotatedQ, q.dtype), o.to(rotatedK, k.dtype)] as const
  })
}

/**
 * A head's columns that turn, and the rest, which passes. Where all turn, `x[..., :d]` is an alias of x, not a slice
 * (torch/csrc/autograd/python_variable_indexing.cpp, applySlice), and the rest is empty.
 */
export function parted<T extends Tensor>(o: Shorthand<T>, x: T, width: number): readonly [turning: T, passing: T] {
  const at = x.axes.length - 1
  const { name, size } = x.axes[at]!
  const turning = width === size ? o.expand(x, x.axes) : o.slice(x, at, 0, width, `${name}'`)
  return [turning, o.slice(x, at, width, size - width, `${name}-${name}'`)]
}

export const whole = <T extends Tensor>(o: Shorthand<T>, x: T, like: T): T => o.cat([x, like], x.axes.length - 1)

/**
 * apply_rotary_pos_emb of a rotary embedding that turns the first columns only: q and k `[b, a, t, d]`, cos and sin `[1, t, d']`.
 * modeling_gpt_neox.py turns both and joins them after (`together`), modeling_phi3.py one after the other.
 */
export function applyPartialRotary<T extends Tensor>(
  o: Shorthand<T>,
  q: T,
  k: T,
  cos: T,
  sin: T,
  order: 'together' | 'apart',
): readonly [T, T] {
  return o.call([q, k], (s) => {
    const c = s.let(o.unsqueeze(cos, 1))
    const i = s.let(o.unsqueeze(sin, 1))
    const width = cos.axes.at(-1)!.size
    const [qTurns, qPasses] = parted(o, q, width)
    s.let(qTurns)
    s.let(qPasses)
    const [kTurns, kPasses] = parted(o, k, width)
    s.let(kTurns)
    s.let(kPasses)
    const turned = (x: T): T => o.add(o.mul(x, c), o.mul(rotateHalf(o, x), i))
    if (order === 'apart') {
      const qs = s.let(whole(o, turned(qTurns), qPasses))
      return [qs, s.let(whole(o, turned(kTurns), kPasses))] as const
    }
    let qs = s.let(turned(qTurns))
    let ks = s.let(turned(kTurns))
    qs = s.set(qs, whole(o, qs, qPasses))
    ks = s.set(ks, whole(o, ks, kPasses))
    return [qs, ks] as const
  })
}
