import { numel } from '../../trace/axes.ts'
import { EngineError } from '../errors.ts'
import type { Kernel } from './kernel.ts'
import type { Num, Primitives } from './primitives.ts'

/** Checks ids before they are used: wasm's gather reads past the table without a word. Throws `EngineError`. */
function checkIds(p: Primitives, ids: Num, rows: number): void {
  const values = p.values(ids)
  for (let i = 0; i < values.length; i++) {
    const id = values[i]!
    if (id >= 0 && id < rows) continue
    throw new EngineError('bad-batch', 'embedding', `id ${id} in a table of ${rows} rows`, 'Check the batch.')
  }
}

/** Rows of a table by number: ids `[…]`, weight `[V, h]` → `[…, h]`. d weight adds each gradient's row at its id. */
export const embedding: Kernel<'embedding'> = (p) => ({
  forward: (call) => {
    const [weight, ids] = [call.inputs[0]!, call.inputs[1]!]
    if (call.needs(0)) call.save('indices', ids, 'dW by the indices')
    checkIds(p, ids, weight.axes[0]!.size)
    const y = p.zeros([...ids.axes, weight.axes[1]!])
    const [to, from, rows] = [p.values(y), p.values(weight), p.values(ids)]
    const width = weight.axes[1]!.size
    // tfjs's GatherV2 walks an index an element: 25 times slower than rows.
    for (let i = 0; i < rows.length; i++) to.set(from.subarray(rows[i]! * width, (rows[i]! + 1) * width), i * width)
    return [y]
  },
  backward: (call) => {
    if (!call.needs(0)) return [null, null]
    const width = call.inputs[0]!.axes[1]!.size
    const dWeight = p.zeros(call.inputs[0]!.axes)
    const [to, from, ids] = [p.values(dWeight), p.values(call.grads[0]!), p.values(call.saved('indices'))]
    for (let i = 0; i < ids.length; i++) {
      const [at, of] = [ids[i]! * width, i * width]
      for (let j = 0; j < width; j++) to[at + j]! += from[of + j]!
    }
    return [dWeight, null]
  },
})

/**
 * Mean negative log-likelihood over labels that are not ignored: log-probabilities `[n, V]`, labels `[n]` → one number. NaN
 * where all are ignored, as in PyTorch. d self = −g / count at each label.
 */
export const nllLoss: Kernel<'nll_loss'> = (p) => ({
  forward: (call) => {
    const [x, target] = [call.inputs[0]!, call.inputs[1]!]
    if (call.needs(0)) {
      call.save('self', x, 'd self, for its shape')
      call.save('target', target, 'd self by the target')
    }
    const loss = p.zeros([])
    const total = p.zeros([])
    const [logs, labels] = [p.values(x), p.values(target)]
    const width = x.axes[1]!.size
    let [sum, count] = [0, 0]
    for (let i = 0; i < labels.length; i++) {
      const label = labels[i]!
      if (label === call.attributes.ignoreIndex) continue
      if (label < 0 || label >= width) {
        throw new EngineError('bad-batch', 'nll_loss', `label ${label} of ${width} classes`, 'Check the labels.')
      }
      sum -= logs[i * width + label]!
      count++
    }
    p.values(loss)[0] = sum / count
    p.values(total)[0] = count
    if (call.needs(0)) p.saving([loss, total], () => call.save('total_weight', total, 'd self'))
    p.free(total)
    return [loss]
  },
  backward: (call) => {
    const { axes } = call.inputs[0]!
    const dx = p.zeros(axes)
    const count = p.values(call.saved('total_weight'))[0]!
    const share = -p.values(call.grads[0]!)[0]! / count
    const [to, labels] = [p.values(dx), p.values(call.saved('target'))]
    const width = numel(axes) / labels.length
    for (let i = 0; i < labels.length; i++) {
      if (labels[i] !== call.attributes.ignoreIndex) to[i * width + labels[i]!] = share
    }
    return [dx, null]
  },
})
