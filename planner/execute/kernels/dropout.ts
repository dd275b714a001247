import type { Kernel } from './kernel.ts'

/**
 * Inverted dropout: keeps each element with probability 1 − p, times 1 / (1 − p). Only the mask stays, a byte an element.
 * `random` gives a stream of numbers in [0, 1) for this call.
 */
export const dropout =
  (random: () => () => number): Kernel<'dropout'> =>
  (p) => ({
    forward: (call) => {
      const x = call.inputs[0]!
      const rate = call.attributes.p
      const y = p.zeros(x.axes)
      const mask = p.zeros(x.axes, 'bool')
      const [from, to, kept] = [p.values(x), p.values(y), p.values(mask)]
      const next = random()
      const scale = rate < 1 ? 1 / (1 - rate) : 0
      for (let i = 0; i < kept.length; i++) {
        if (next() < rate) continue
        kept[i] = 1
        to[i] = from[i]! * scale
      }
      if (call.needs(0)) p.saving([y, mask], () => call.save('mask', mask, 'd input by the mask'))
      p.free(mask)
      return [y]
    },
    backward: (call) => {
      const rate = call.attributes.p
      const g = call.grads[0]!
      const dx = p.zeros(g.axes)
      const [from, to, kept] = [p.values(g), p.values(dx), p.values(call.saved('mask'))]
      const scale = rate < 1 ? 1 / (1 - rate) : 0
      for (let i = 0; i < kept.length; i++) if (kept[i]) to[i] = from[i]! * scale
      return [dx]
    },
  })
