import type { Shorthand, Tensor } from '../ops/ops.ts'
import { type Axis, axis } from '../trace/axes.ts'

/** F.cross_entropy over class indices: two nodes. logits `[n, V]`, target `[n]` → one number. */
export function crossEntropy<T extends Tensor>(o: Shorthand<T>, logits: T, target: T): T {
  return o.call([logits, target], () => o.nllLoss(o.logSoftmax(logits), target))
}

/** ForCausalLMLoss (loss_utils.py): float32 logits `[b, t, V]`, labels `[b, t]` shifted by one. */
export function causalLoss<T extends Tensor>(o: Shorthand<T>, given: T, labelsGiven: T, vocab: Axis): T {
  return o.call([given, labelsGiven], (s) => {
    const [b, t] = [given.axes[0]!, given.axes[1]!]
    const flat = axis(`${b.name}·${t.name}`, b.size * t.size)
    let logits = s.let(o.to(given, 'float32'))
    const labels = s.let(o.run('pad', [labelsGiven], { value: -100, name: `${t.name}+1` }))
    let shifted = s.let(o.contiguous(o.slice(labels, 1, 1, t.size, t.name)))
    logits = s.set(logits, o.view(logits, [flat, vocab]))
    shifted = s.set(shifted, o.view(shifted, [flat]))
    return s.let(crossEntropy(o, logits, shifted))
  })
}

/** CrossEntropyLoss of a sequence classifier: logits `[b, classes]`, labels `[b]`. */
export function classificationLoss<T extends Tensor>(o: Shorthand<T>, logits: T, labels: T): T {
  return crossEntropy(o, o.view(logits, logits.axes), o.view(labels, labels.axes))
}
