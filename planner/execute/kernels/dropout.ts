import { numel } from '../../trace/axes.ts'
import type { DeviceLoop } from '../engines/loop.ts'
import type { Kernel } from './kernel.ts'
import type { Num, Primitives } from './primitives.ts'

const KEEP: DeviceLoop = { name: 'keep', written: 1, body: 'if (b2[i] != 0) { b0[i] = b1[i] * r(0); }' }

/** What the mask keeps, times 1 / (1 − rate), into zeros. */
function keep(p: Primitives, x: Num, mask: Num, y: Num, rate: number): void {
  const scale = rate < 1 ? 1 / (1 - rate) : 0
  const told = () => ({ count: numel(x.axes), real: [scale] })
  p.loop(KEEP, [y, x, mask], told, (to, from, kept) => {
    for (let i = 0; i < kept.length; i++) if (kept[i]) to[i] = from[i]! * scale
  })
}

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
      const kept = new Uint8Array(numel(x.axes))
      const next = random()
      for (let i = 0; i < kept.length; i++) if (next() >= rate) kept[i] = 1
      const mask = p.upload(kept, x.axes, 'bool')
      keep(p, x, mask, y, rate)
      if (call.needs(0)) p.saving([y, mask], () => call.save('mask', mask, 'd input by the mask'))
      p.free(mask)
      return [y]
    },
    backward: (call) => {
      const rate = call.attributes.p
      const g = call.grads[0]!
      const dx = p.zeros(g.axes)
      keep(p, g, call.saved('mask'), dx, rate)
      return [dx]
    },
  })
