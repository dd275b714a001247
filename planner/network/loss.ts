import type { FusedLossVersion } from '../ops/attributes.ts'
import type { Shorthand, Tensor } from '../ops/ops.ts'
import { type Axis, axis } from '../trace/axes.ts'
import type { Library } from './library.ts'
import type { Linear } from './linear.ts'

/** F.cross_entropy over class indices: two nodes. logits `[n, V]`, target `[n]` → one number. */
export function crossEntropy<T extends Tensor>(o: Shorthand<T>, logits: T, target: T): T {
  return o.call([logits, target], () => o.nllLoss(o.logSoftmax(logits), target))
}

/** ForCausalLMLoss (loss_utils.py): logits `[b, t, V]` in float32, labels `[b, t]`; one or both are shifted by one. */
export function causalLoss<T extends Tensor>(
  o: Shorthand<T>,
  logits: T,
  labels: T,
  vocab: Axis,
  shift: Library['shift'] = 'labels',
): T {
  return shift === 'labels' ? shiftedLabelsLoss(o, logits, labels, vocab) : shiftedLogitsLoss(o, logits, labels, vocab)
}

function shiftedLabelsLoss<T extends Tensor>(o: Shorthand<T>, given: T, labelsGiven: T, vocab: Axis): T {
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

/** Before transformers 4.50: the last position's logits are cut off, which copies all the others. */
const shiftedLogitsLoss = <T extends Tensor>(o: Shorthand<T>, given: T, labels: T, vocab: Axis): T =>
  o.call([given, labels], (s) => s.let(cutLogitsLoss(o, s.let(o.to(given, 'float32')), labels, vocab)))

/** The same in the logits' own type (modeling_gpt2.py of transformers 4.48, GPT2LMHeadModel.forward). */
export function cutLogitsLoss<T extends Tensor>(
  o: Shorthand<T>,
  logits: T,
  labels: T,
  vocab: Axis,
  entropy: Entropy = crossEntropy,
): T {
  return o.call([logits, labels], (s) => {
    const [b, t] = [logits.axes[0]!, logits.axes[1]!]
    const rest = axis(`${t.name}-1`, t.size - 1)
    const flat = axis(`${b.name}·(${rest.name})`, b.size * rest.size)
    let shifted = s.let(o.contiguous(o.slice(logits, 1, 0, rest.size, rest.name)))
    let targets = s.let(o.contiguous(o.slice(labels, 1, 1, rest.size, rest.name)))
    shifted = s.set(shifted, o.view(shifted, [flat, vocab]))
    targets = s.set(targets, o.view(targets, [flat]))
    return s.let(entropy(o, shifted, targets))
  })
}

/** Of logits `[n, V]` and targets `[n]`. */
type Entropy = <T extends Tensor>(o: Shorthand<T>, logits: T, target: T) => T

/** The older loss with foak's kernel (fms_acceleration_foak/kernels/unsloth/cross_entropy_loss.py, FastForCausalLMLoss). */
export const fastCausalLoss = <T extends Tensor>(o: Shorthand<T>, given: T, labels: T, vocab: Axis): T =>
  o.call([given, labels], (s) =>
    s.let(cutLogitsLoss(o, s.let(o.to(given, 'float32')), labels, vocab, fastCrossEntropy)),
  )

/** Its mean: the sum of the rows' losses over the number of targets. */
function fastCrossEntropy<T extends Tensor>(o: Shorthand<T>, logits: T, target: T): T {
  return o.call([], (s) => {
    const losses = s.let(o.run('fast_cross_entropy', [logits, target], { ignoreIndex: IGNORED }))
    const count = s.let(o.run('count_targets', [target], { ignoreIndex: IGNORED }))
    return o.divWhole(o.sum(losses, 0), count)
  })
}

const IGNORED = -100

/**
 * The loss of hidden states `[b, t, h]` without logits (liger_kernel/transformers/model/llama.py, lce_forward, of which fms-acceleration
 * has a copy; loss_utils.py, LigerForCausalLMLoss): shifted as the library's own loss, an adapter of the head passed over.
 */
export function ligerLoss<T extends Tensor>(
  o: Shorthand<T>,
  given: T,
  head: Linear,
  givenLabels: T,
  { shift, version }: { readonly shift: Library['shift']; readonly version: FusedLossVersion },
): T {
  return o.call([given, givenLabels], (s) => {
    const [b, t, h] = [given.axes[0]!, given.axes[1]!, given.axes[2]!]
    const cut = shift === 'logits'
    const rest = cut ? axis(`${t.name}-1`, t.size - 1) : t
    const flat = axis(cut ? `${b.name}·(${rest.name})` : `${b.name}·${t.name}`, b.size * rest.size)
    const whole = cut ? givenLabels : s.let(o.run('pad', [givenLabels], { value: -100, name: `${t.name}+1` }))
    let hidden = cut ? s.let(o.contiguous(o.slice(given, 1, 0, rest.size, rest.name))) : s.let(given)
    let labels = s.let(o.contiguous(o.slice(whole, 1, 1, rest.size, rest.name)))
    hidden = s.set(hidden, o.view(hidden, [flat, h]))
    labels = s.set(labels, o.view(labels, [flat]))
    const weight = o.parameter(head.weight)
    return s.let(o.run('fused_linear_cross_entropy', [hidden, weight, labels], { version }))
  })
}

/** CrossEntropyLoss of a sequence classifier: logits `[b, classes]`, labels `[b]`. */
export function classificationLoss<T extends Tensor>(o: Shorthand<T>, logits: T, labels: T): T {
  return crossEntropy(o, o.view(logits, logits.axes), o.view(labels, labels.axes))
}
