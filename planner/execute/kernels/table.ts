import { numel } from '../../trace/axes.ts'
import type { DeviceLoop } from '../engines/loop.ts'
import { EngineError } from '../errors.ts'
import type { Kernel } from './kernel.ts'
import type { Num, Primitives } from './primitives.ts'

/** Checks ids before they are used: wasm's gather reads past the table without a word. Throws `EngineError`. */
function checkIds(p: Primitives, ids: Num, rows: number): void {
  // Ids that a device has computed are not seen here: its loop gives NaN for what lies outside.
  const values = p.engine.known(ids.data) ?? []
  for (let i = 0; i < values.length; i++) {
    const id = values[i]!
    if (id >= 0 && id < rows) continue
    throw new EngineError('bad-batch', 'embedding', `id ${id} in a table of ${rows} rows`, 'Check the batch.')
  }
}

/** The same for labels. */
function checkLabels(p: Primitives, target: Num, classes: number, ignored: number): void {
  for (const label of p.engine.known(target.data) ?? []) {
    if (label === ignored || (label >= 0 && label < classes)) continue
    throw new EngineError('bad-batch', 'nll_loss', `label ${label} of ${classes} classes`, 'Check the labels.')
  }
}

/** NaN as a device writes it: WGSL refuses it as a constant. */
const NAN = 'bitcast<f32>(0x7fc00000u + n(0) * 0u)'

const GATHER: DeviceLoop = {
  name: 'gather',
  written: 1,
  body: `
    let id = u32(b2[i / n(1)]);
    if (id < n(0)) { b0[i] = b1[id * n(1) + i % n(1)]; } else { b0[i] = ${NAN}; }`,
}

/** One call goes down one column, so that no two add to the same element. */
const SCATTER: DeviceLoop = {
  name: 'scatter',
  written: 1,
  body: 'for (var k = 0u; k < n(0); k++) { b0[u32(b2[k]) * n(1) + i] += b1[k * n(1) + i]; }',
}

const PICK: DeviceLoop = {
  name: 'pick',
  written: 2,
  body: `
    var sum = 0.0;
    var count = 0.0;
    for (var k = 0u; k < n(0); k++) {
      let label = b3[k];
      if (label == i32(r(0))) { continue; }
      count += 1.0;
      if (label >= 0 && u32(label) < n(1)) { sum -= b2[k * n(1) + u32(label)]; } else { sum = ${NAN}; }
    }
    b0[0] = sum / count;
    b1[0] = count;`,
}

const PUT: DeviceLoop = {
  name: 'put',
  written: 1,
  body: 'if (b3[i] != i32(r(0))) { b0[i * n(0) + u32(b3[i])] = -b1[0] / b2[0]; }',
}

/** Rows of a table by number: ids `[…]`, weight `[V, h]` → `[…, h]`. d weight adds each gradient's row at its id. */
export const embedding: Kernel<'embedding'> = (p) => ({
  forward: (call) => {
    const [weight, ids] = [call.inputs[0]!, call.inputs[1]!]
    if (call.needs(0)) call.save('indices', ids, 'dW by the indices')
    checkIds(p, ids, weight.axes[0]!.size)
    const y = p.zeros([...ids.axes, weight.axes[1]!])
    const [rows, width] = weight.axes.map((a) => a.size) as [number, number]
    const told = () => ({ count: numel(y.axes), whole: [rows, width] })
    // tfjs's GatherV2 walks an index an element: 25 times slower than rows.
    p.loop(GATHER, [y, weight, ids], told, (to, from, at) => {
      for (let i = 0; i < at.length; i++) to.set(from.subarray(at[i]! * width, (at[i]! + 1) * width), i * width)
    })
    return [y]
  },
  backward: (call) => {
    if (!call.needs(0)) return [null, null]
    const width = call.inputs[0]!.axes[1]!.size
    const dWeight = p.zeros(call.inputs[0]!.axes)
    const ids = call.saved('indices')
    const told = () => ({ count: width, whole: [numel(ids.axes), width] })
    p.loop(SCATTER, [dWeight, call.grads[0]!, ids], told, (to, from, rows) => {
      for (let i = 0; i < rows.length; i++) {
        const [at, of] = [rows[i]! * width, i * width]
        for (let j = 0; j < width; j++) to[at + j]! += from[of + j]!
      }
    })
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
    const width = x.axes[1]!.size
    const { ignoreIndex } = call.attributes
    checkLabels(p, target, width, ignoreIndex)
    const told = () => ({ count: 1, whole: [numel(target.axes), width], real: [ignoreIndex] })
    p.loop(PICK, [loss, total, x, target], told, (to, counted, logs, labels) => {
      let [sum, count] = [0, 0]
      for (let i = 0; i < labels.length; i++) {
        if (labels[i] === ignoreIndex) continue
        sum -= logs[i * width + labels[i]!]!
        count++
      }
      to[0] = sum / count
      counted[0] = count
    })
    if (call.needs(0)) p.saving([loss, total], () => call.save('total_weight', total, 'd self'))
    p.free(total)
    return [loss]
  },
  backward: (call) => {
    const { axes } = call.inputs[0]!
    const dx = p.zeros(axes)
    const [total, target] = [call.saved('total_weight'), call.saved('target')]
    const [rows, { ignoreIndex }] = [numel(target.axes), call.attributes]
    const width = numel(axes) / rows
    const told = () => ({ count: rows, whole: [width], real: [ignoreIndex] })
    p.loop(PUT, [dx, call.grads[0]!, total, target], told, (to, g, count, labels) => {
      const share = -g[0]! / count[0]!
      for (let i = 0; i < labels.length; i++) if (labels[i] !== ignoreIndex) to[i * width + labels[i]!] = share
    })
    return [dx, null]
  },
})
