const number = new Float32Array(1)
const bits = new Uint32Array(number.buffer)

/** A bfloat16 is the upper half of a float32. */
export function bfloat16ToFloat32(half: number): number {
  bits[0] = half << 16
  return number[0]!
}

/** IEEE 754 binary16: five bits of exponent, ten of fraction. Exact in float32. */
export function float16ToFloat32(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  if (exponent === 0) return sign * fraction * 2 ** -24
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
