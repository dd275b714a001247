import { numel } from '../../trace/axes.ts'
import type { DeviceLoop } from '../engines/loop.ts'
import type { Executor } from '../executor.ts'
import type { Optimizer } from './state.ts'

const SGD: DeviceLoop = { name: 'sgd', written: 1, body: 'b0[i] -= r(0) * b1[i];' }

/** torch.optim.SGD without momentum: p ← p − lr · g, in place, no state. */
export function sgd({ primitives }: Executor, { lr }: { readonly lr: number }): Optimizer {
  return {
    step(leaves) {
      for (const { variable, grad } of leaves) {
        if (!grad) continue
        const told = () => ({ count: numel(variable.axes), real: [lr] })
        primitives.loop(SGD, [variable, grad], told, (p, g) => {
          for (let i = 0; i < p.length; i++) p[i] = p[i]! - lr * g[i]!
        })
      }
    },
  }
}
