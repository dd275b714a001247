import type { Kernel } from './kernel.ts'
import type { Num, Primitives } from './primitives.ts'

/** d self = g · (1 − result²) */
export const tanh: Kernel<'tanh'> = (p) => ({
  forward: (call) => {
    const y = p.unary('Tanh', call.inputs[0]!)
    if (call.needs(0)) p.saving([y], () => call.save('result', y, 'd self by the result'))
    return [y]
  },
  backward: (call) => {
    const y = call.saved('result')
    const square = p.binary('Multiply', y, y)
    const slope = p.from(1, square)
    p.free(square)
    const dx = p.binary('Multiply', call.grads[0]!, slope)
    p.free(slope)
    return [dx]
  },
})

/** d self = g where the result is positive */
export const relu: Kernel<'relu'> = (p) => ({
  forward: (call) => {
    const y = p.unary('Relu', call.inputs[0]!)
    if (call.needs(0)) p.saving([y], () => call.save('result', y, 'd self by the result'))
    return [y]
  },
  backward: (call) => {
    const y = call.saved('result')
    const passes = p.unary('Sign', y)
    const dx = p.binary('Multiply', call.grads[0]!, passes)
    p.free(passes)
    return [dx]
  },
})

/** x · σ(x); d self = g · σ · (1 + x · (1 − σ)) */
export const silu: Kernel<'silu'> = (p) => ({
  forward: (call) => {
    const x = call.inputs[0]!
    if (call.needs(0)) call.save('self', x, 'd self')
    const sigmoid = p.unary('Sigmoid', x)
    const y = p.binary('Multiply', x, sigmoid)
    p.free(sigmoid)
    return [y]
  },
  backward: (call) => {
    const x = call.saved('self')
    const sigmoid = p.unary('Sigmoid', x)
    const rest = p.from(1, sigmoid)
    const bent = p.binary('Multiply', x, rest)
    p.free(rest)
    const lifted = p.scaled('Add', bent, 1)
    p.free(bent)
    const slope = p.binary('Multiply', sigmoid, lifted)
    p.free(sigmoid, lifted)
    const dx = p.binary('Multiply', call.grads[0]!, slope)
    p.free(slope)
    return [dx]
  },
})

const SQRT_HALF = Math.SQRT1_2
/** Density of the normal distribution at 0. */
const DENSITY = 1 / Math.sqrt(2 * Math.PI)
const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI)
const CUBIC = 0.044715

/** Φ(x) = ½ (1 + erf(x / √2)) */
function normal(p: Primitives, x: Num): Num {
  const inner = p.scaled('Multiply', x, SQRT_HALF)
  const erf = p.unary('Erf', inner)
  p.free(inner)
  const lifted = p.scaled('Add', erf, 1)
  p.free(erf)
  const phi = p.scaled('Multiply', lifted, 0.5)
  p.free(lifted)
  return phi
}

/** d self = g · (Φ(x) + x · φ(x)) */
function normalSlope(p: Primitives, x: Num): Num {
  const phi = normal(p, x)
  const square = p.binary('Multiply', x, x)
  const exponent = p.scaled('Multiply', square, -0.5)
  p.free(square)
  const bell = p.unary('Exp', exponent)
  p.free(exponent)
  const density = p.scaled('Multiply', bell, DENSITY)
  p.free(bell)
  const tilt = p.binary('Multiply', x, density)
  p.free(density)
  const slope = p.binary('Add', phi, tilt)
  p.free(phi, tilt)
  return slope
}

/** tanh(√(2/π) · x · (1 + 0.044715 · x²)) */
function bent(p: Primitives, x: Num): Num {
  const square = p.binary('Multiply', x, x)
  const cubic = p.scaled('Multiply', square, CUBIC)
  p.free(square)
  const lifted = p.scaled('Add', cubic, 1)
  p.free(cubic)
  const product = p.binary('Multiply', x, lifted)
  p.free(lifted)
  const inner = p.scaled('Multiply', product, SQRT_2_OVER_PI)
  p.free(product)
  const tanh = p.unary('Tanh', inner)
  p.free(inner)
  return tanh
}

/** ½ (1 + T(x)), the tanh form's Φ */
function tanhNormal(p: Primitives, tanh: Num): Num {
  const lifted = p.scaled('Add', tanh, 1)
  const half = p.scaled('Multiply', lifted, 0.5)
  p.free(lifted)
  return half
}

/** d self = g · (½ (1 + T) + ½ x (1 − T²) · √(2/π) · (1 + 3 · 0.044715 · x²)) */
function tanhSlope(p: Primitives, x: Num): Num {
  const tanh = bent(p, x)
  const half = tanhNormal(p, tanh)
  const square = p.binary('Multiply', tanh, tanh)
  p.free(tanh)
  const rest = p.from(1, square)
  p.free(square)
  const tilt = p.binary('Multiply', x, rest)
  p.free(rest)
  const squareOfX = p.binary('Multiply', x, x)
  const cubic = p.scaled('Multiply', squareOfX, 3 * CUBIC)
  p.free(squareOfX)
  const lifted = p.scaled('Add', cubic, 1)
  p.free(cubic)
  const inner = p.scaled('Multiply', lifted, SQRT_2_OVER_PI / 2)
  p.free(lifted)
  const second = p.binary('Multiply', tilt, inner)
  p.free(tilt, inner)
  const slope = p.binary('Add', half, second)
  p.free(half, second)
  return slope
}

/** x · Φ(x), by erf or by tanh (torch/nn/functional, gelu). */
export const gelu: Kernel<'gelu'> = (p) => ({
  forward: (call) => {
    const x = call.inputs[0]!
    if (call.needs(0)) call.save('self', x, 'd self')
    let phi: Num
    if (call.attributes.approximate === 'tanh') {
      const tanh = bent(p, x)
      phi = tanhNormal(p, tanh)
      p.free(tanh)
    } else phi = normal(p, x)
    const y = p.binary('Multiply', x, phi)
    p.free(phi)
    return [y]
  },
  backward: (call) => {
    const x = call.saved('self')
    const slope = call.attributes.approximate === 'tanh' ? tanhSlope(p, x) : normalSlope(p, x)
    const dx = p.binary('Multiply', call.grads[0]!, slope)
    p.free(slope)
    return [dx]
  },
})
