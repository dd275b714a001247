import type { EstimateBody } from '../result/estimate.ts'
import { ATTENTIONS, OPTIMIZER_IMPLS, type TrainSpec } from '../training/spec.ts'
import type { Census } from './census.ts'

/** One option that a run may have otherwise than its plan. */
export interface Lever {
  /** The flag. */
  readonly lever: string
  /** What the run then does: `A trains again`. */
  readonly says: string
  readonly train: TrainSpec
}

/** The settings that differ from a plan by one option, each in the words of what a run would do. */
export function leversOf(plan: TrainSpec): Lever[] {
  const { adapter, quantize, fusedLoss, ...rest } = plan
  const change = (lever: string, says: string, to: Partial<TrainSpec>): Lever => ({
    lever,
    says,
    train: { ...plan, ...to },
  })
  const others = <T>(all: readonly T[], now: T): T[] => all.filter((v) => v !== now)
  const plainOptimizer = plan.optimizer === 'lorafa' ? 'adamw' : plan.optimizer
  return [
    ...(plan.method === 'lora-fa'
      ? [change('method', 'A trains again', { method: 'lora', optimizer: plainOptimizer })]
      : []),
    ...(plan.method === 'lora' ? [change('method', 'A is frozen', { method: 'lora-fa' })] : []),
    ...(adapter
      ? [
          change('method', 'the base trains too', { method: 'full', adapter: null, optimizer: plainOptimizer }),
          adapter.dropout === 0
            ? change('lora_dropout', 'dropout before A is on', { adapter: { ...adapter, dropout: 0.1 } })
            : change('lora_dropout', 'dropout before A is off', { adapter: { ...adapter, dropout: 0 } }),
          adapter.dtype === 'float32'
            ? change('adapter_dtype', "adapters have the base's type", { adapter: { ...adapter, dtype: 'base' } })
            : change('adapter_dtype', 'adapters are in float32', { adapter: { ...adapter, dtype: 'float32' } }),
          change('reference_model', plan.reference ? 'no pass of reference is run' : 'a pass of reference is run', {
            reference: !plan.reference,
          }),
        ]
      : []),
    ...others(['none', 'non-reentrant', 'reentrant'] as const, plan.checkpointing).map((checkpointing) =>
      change(
        'gradient_checkpointing',
        checkpointing === 'none' ? 'nothing is checkpointed' : `layers are checkpointed (${checkpointing})`,
        { checkpointing },
      ),
    ),
    ...others(ATTENTIONS, plan.attention).map((attention) =>
      change('attention', `attention is ${attention}`, { attention }),
    ),
    ...others(['none', 'bfloat16', 'float16'] as const, plan.autocast).map((autocast) =>
      change('autocast', autocast === 'none' ? 'nothing is autocast' : `autocast to ${autocast}`, { autocast }),
    ),
    ...others(['float32', 'bfloat16'] as const, plan.dtype === 'float16' ? 'bfloat16' : plan.dtype).map((dtype) =>
      change('dtype', `weights are in ${dtype}`, { dtype }),
    ),
    ...others(OPTIMIZER_IMPLS, plan.optimizerImpl).map((optimizerImpl) =>
      change('optimizer_impl', `the optimizer is ${optimizerImpl}`, { optimizerImpl }),
    ),
    change('padding', plan.padding ? 'the batch has no mask' : 'the batch is padded', { padding: !plan.padding }),
    plan.accumulation === 1
      ? change('gradient_accumulation', 'gradients accumulate over micro-steps', { accumulation: 2 })
      : change('gradient_accumulation', 'gradients do not accumulate', { accumulation: 1 }),
    ...(quantize
      ? [
          change('prepare_kbit', quantize.prepare ? 'the base is not prepared' : 'the base is prepared', {
            quantize: { ...quantize, prepare: !quantize.prepare },
          }),
        ]
      : []),
    fusedLoss === undefined
      ? change('fused_loss', 'the loss is fused (liger)', { fusedLoss: 'liger' })
      : {
          lever: 'fused_loss',
          says: 'the loss is not fused',
          train: { ...rest, adapter, ...(quantize ? { quantize } : {}) },
        },
  ]
}

/** How many of the largest sizes on either side are compared with one another. */
const LARGEST = 3

/**
 * Settings in which a number differs: the ratio of the largest sizes that only the run has to the largest that only the plan has is the
 * ratio of a dimension in the latter's formula.
 */
export function scaledLevers(plan: TrainSpec, body: EstimateBody, measured: Census, predicted: Census): Lever[] {
  const surplus = [...measured]
    .filter(([size, count]) => count > (predicted.get(size) ?? 0))
    .map(([size]) => size)
    .sort((a, b) => b - a)
    .slice(0, LARGEST)
  const missing = body.peak.alive
    .map((a) => ({ monomial: a.monomial, size: a.bytes / a.count }))
    .filter(({ size }) => (measured.get(size) ?? 0) < predicted.get(size)!)
    .sort((a, b) => b.size - a.size)
    .slice(0, LARGEST)
  const found = new Map<string, Lever>()
  for (const { monomial, size } of missing) {
    const symbols = new Set(monomial.split('·'))
    for (const larger of surplus) {
      for (const lever of scaled(plan, symbols, larger / size)) found.set(lever.says, lever)
    }
  }
  return [...found.values()]
}

function scaled(plan: TrainSpec, symbols: ReadonlySet<string>, ratio: number): Lever[] {
  const { adapter } = plan
  const times = (n: number): number | null => {
    const product = n * ratio
    return Number.isInteger(product) && product > 0 && product !== n ? product : null
  }
  const [batch, tokens, rank] = [times(plan.batch), times(plan.tokens), adapter && times(adapter.rank)]
  const levers: Lever[] = []
  if (symbols.has('t') && tokens !== null)
    levers.push({
      lever: 'seq_len',
      says: `sequences have ${tokens} tokens, not ${plan.tokens}`,
      train: { ...plan, tokens, targetTokens: plan.targetTokens === plan.tokens ? tokens : plan.targetTokens },
    })
  if (symbols.has('b') && batch !== null)
    levers.push({
      lever: 'batch_size',
      says: `the batch has ${batch} sequences, not ${plan.batch}`,
      train: { ...plan, batch },
    })
  if (symbols.has('r') && adapter && rank !== null)
    levers.push({
      lever: 'rank',
      says: `the rank is ${rank}, not ${adapter.rank}`,
      train: { ...plan, adapter: { ...adapter, rank } },
    })
  return levers
}
