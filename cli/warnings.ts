import type { EstimateBody } from '../planner/result/estimate.ts'
import type { TrainSpec } from '../planner/training/spec.ts'
import { type Bytes, plural } from './output/numbers.ts'

/** What would undo the saving in practice, each with its bytes. */
export function warningsFor(train: TrainSpec, body: EstimateBody, bytes: Bytes): string[] {
  return [dropoutMask(train, body, bytes), logits(body, bytes)].filter((w) => w !== undefined)
}

/** Dropout before A keeps its mask for every adapted linear, and its result where A trains. */
function dropoutMask(train: TrainSpec, body: EstimateBody, bytes: Bytes): string | undefined {
  if (train.method !== 'lora-fa' || train.adapter === null || train.adapter.dropout === 0) return undefined
  const kept = body.saved.filter((s) => s.scope.includes('lora_dropout'))
  const sum = kept.reduce((n, s) => n + s.bytes * s.count, 0)
  if (sum === 0) return undefined
  const count = kept.reduce((n, s) => n + s.count, 0)
  const masks = `${plural(count, 'storage')}, ${bytes(sum)}`
  return `--lora-dropout ${train.adapter.dropout} keeps what its backward needs (${masks}) although LoRA-FA drops the inputs; 0 keeps nothing`
}

/** Where the logits and what the loss makes of them are most of what a step adds, no adapter method lowers the peak. */
function logits(body: EstimateBody, bytes: Bytes): string | undefined {
  const { parameters_bytes, quantization_bytes, buffers_bytes, inputs_bytes } = body.static
  const fixed = parameters_bytes + quantization_bytes + buffers_bytes + inputs_bytes + body.optimizer_state_bytes
  const ofLogits = body.peak.alive.filter(
    (a) => (a.category === 'activation' || a.category === 'temporary') && a.monomial.split('·').includes('V'),
  )
  const sum = ofLogits.reduce((n, a) => n + a.bytes * a.count, 0)
  if (sum * 2 <= body.peak.bytes - fixed) return undefined
  const copies = ofLogits.reduce((n, a) => n + a.count, 0)
  const advice = 'a smaller batch or length lowers it, an adapter method does not'
  return `logits dominate the peak: ${bytes(sum)} in ${plural(copies, 'tensor')} over the vocabulary; ${advice}`
}
