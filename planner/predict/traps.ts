import type { EstimateBody, SavedTensor } from '../result/estimate.ts'
import type { TrainSpec } from '../training/spec.ts'

/** What takes LoRA-FA's saving back, or leaves nothing to save. Bytes each. */
export type Trap =
  /** PEFT lets A require a gradient again: what is kept for it, and its gradients. */
  | { readonly kind: 'reference'; readonly savedBytes: number; readonly gradientBytes: number }
  /** What freezing A takes from the peak with checkpointing, and without. */
  | { readonly kind: 'checkpointing'; readonly lowersBytes: number; readonly withoutBytes: number }
  /** Masks (and, where A trains, results) that dropout before A keeps. */
  | { readonly kind: 'dropout'; readonly bytes: number; readonly tensors: number }
  /** Inputs of adapted linears that another operation keeps as well. */
  | { readonly kind: 'kept-anyway'; readonly bytes: number; readonly tensors: number; readonly by: readonly string[] }
  /** Inputs that LLM.int8() keeps, whatever trains and with checkpointing too. */
  | { readonly kind: 'int8'; readonly bytes: number; readonly tensors: number }
  /** Whole weights that DoRA widens or unpacks, and that dropout makes it keep. */
  | { readonly kind: 'dora-weights'; readonly bytes: number; readonly tensors: number }
  /** Experts' parameters, which stay unpacked beside packed linears. */
  | { readonly kind: 'experts'; readonly bytes: number; readonly tensors: number; readonly widened: boolean }
  /** Tensors over the vocabulary: more than half of what a step adds to the static part at the peak. */
  | { readonly kind: 'logits'; readonly bytes: number; readonly tensors: number }

/**
 * The traps of a setting whose prediction is `body`, each with its bytes. `predict` predicts the same model under another setting:
 * what freezing A is worth is told by LoRA's own prediction; null leaves out the traps that need one.
 */
export function trapsOf(
  train: TrainSpec,
  body: EstimateBody,
  predict: ((train: TrainSpec) => EstimateBody) | null,
): Trap[] {
  const traps: (Trap | null)[] = []
  if (train.method === 'lora-fa') {
    if (predict) traps.push(reference(train, body, predict), checkpointing(train, predict))
    traps.push(dropout(body), int8(body))
    if (predict) traps.push(keptAnyway(predict(asLora({ ...train, reference: false }))))
  }
  traps.push(doraWeights(train, body), unpackedExperts(train, body), logits(body))
  return traps.filter((t) => t !== null)
}

/** The same step with A trained; PEFT's own optimizer knows LoRA-FA only. */
const asLora = (train: TrainSpec): TrainSpec => ({
  ...train,
  method: 'lora',
  optimizer: train.optimizer === 'lorafa' ? 'adamw' : train.optimizer,
})

function reference(train: TrainSpec, body: EstimateBody, predict: (train: TrainSpec) => EstimateBody): Trap | null {
  if (!train.reference) return null
  const plain = predict({ ...train, reference: false })
  return {
    kind: 'reference',
    savedBytes: body.saved_bytes - plain.saved_bytes,
    gradientBytes: body.gradients_bytes - plain.gradients_bytes,
  }
}

function checkpointing(train: TrainSpec, predict: (train: TrainSpec) => EstimateBody): Trap | null {
  if (train.checkpointing === 'none') return null
  const lowers = (t: TrainSpec): number => predict(asLora(t)).peak.bytes - predict(t).peak.bytes
  const alone: TrainSpec = { ...train, reference: false }
  return {
    kind: 'checkpointing',
    lowersBytes: lowers(alone),
    withoutBytes: lowers({ ...alone, checkpointing: 'none' }),
  }
}

function dropout(body: EstimateBody): Trap | null {
  const kept = body.saved.filter((s) => s.scope.includes('.lora_dropout.'))
  return kept.length === 0 ? null : { kind: 'dropout', ...sums(kept) }
}

function int8(body: EstimateBody): Trap | null {
  const kept = body.saved.filter((s) => s.why.some((w) => w.op === 'linear_8bit'))
  return kept.length === 0 ? null : { kind: 'int8', ...sums(kept) }
}

/**
 * With dropout the base's result does not serve, and DoRA multiplies by the weight once more, in x's type: where that is a copy, it is
 * kept for dX (peft/tuners/lora/dora.py, DoraLinearLayer.forward).
 */
function doraWeights(train: TrainSpec, body: EstimateBody): Trap | null {
  if (!train.adapter?.dora || train.adapter.dropout === 0) return null
  const isWeight = (w: SavedTensor['why'][number]) => w.op === 'linear' && w.gradient === 'dX'
  const kept = body.saved.filter((s) => s.scope.endsWith('.lora_magnitude_vector.default') && s.why.some(isWeight))
  return kept.length === 0 ? null : { kind: 'dora-weights', ...sums(kept) }
}

/**
 * transformers packs `nn.Linear` only (integrations/bitsandbytes.py, replace_with_bnb_linear), and experts are parameters of three axes.
 * PEFT widens what is not packed (peft/utils/other.py, prepare_model_for_kbit_training).
 */
function unpackedExperts({ quantize }: TrainSpec, body: EstimateBody): Trap | null {
  if (!quantize) return null
  const rows = body.peak.alive.filter((a) => a.category === 'parameter' && a.scope.endsWith('.experts'))
  if (rows.length === 0) return null
  return {
    kind: 'experts',
    bytes: rows.reduce((n, a) => n + a.bytes, 0),
    tensors: rows.reduce((n, a) => n + a.count, 0),
    widened: quantize.prepare === true,
  }
}

/** Under LoRA these are saved for dA and for something else: freezing A drops one of two holders. */
function keptAnyway(lora: EstimateBody): Trap | null {
  const isForA = (w: SavedTensor['why'][number]) => w.op === 'linear' && w.gradient === 'dW'
  const shared = lora.saved.filter((s) => s.why.some(isForA) && !s.why.every(isForA))
  if (shared.length === 0) return null
  const by = shared.flatMap((s) => s.why.filter((w) => !isForA(w)).map((w) => w.op))
  return { kind: 'kept-anyway', ...sums(shared), by: [...new Set(by)] }
}

function logits(body: EstimateBody): Trap | null {
  const { parameters_bytes, quantization_bytes, buffers_bytes, inputs_bytes } = body.static
  const fixed = parameters_bytes + quantization_bytes + buffers_bytes + inputs_bytes + body.optimizer_state_bytes
  const alive = body.peak.alive.filter((a) => {
    const factors = a.monomial.split('·')
    return (a.category === 'activation' || a.category === 'temporary') && factors.includes('V') && factors.includes('t')
  })
  const bytes = alive.reduce((n, a) => n + a.bytes, 0)
  if (bytes * 2 <= body.peak.bytes - fixed) return null
  return { kind: 'logits', bytes, tensors: alive.reduce((n, a) => n + a.count, 0) }
}

const sums = (rows: readonly SavedTensor[]): { bytes: number; tensors: number } => ({
  bytes: rows.reduce((n, s) => n + s.bytes * s.count, 0),
  tensors: rows.reduce((n, s) => n + s.count, 0),
})
