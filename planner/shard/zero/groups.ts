import type { Parameter } from '../../ops/ops.ts'
import { numel } from '../../trace/axes.ts'

/**
 * What weight decay leaves out: by its name, and `nn.LayerNorm` by its class, which GPT-2's names do not tell (transformers/trainer.py,
 * get_decay_parameter_names).
 */
const WITHOUT_DECAY = /bias|layernorm|rmsnorm|(?:^|\.)norm(?:$|\.)|_norm(?:$|\.)|(?:^|\.)ln_\w+\.weight$/i

/**
 * The optimizer's groups: the Trainer's, which decay or not; a file's optimizer is handed everything that trains as one
 * (transformers/integrations/deepspeed.py, deepspeed_optim_sched).
 */
export function optimizerGroups(parameters: readonly Parameter[], by: 'deepspeed' | 'trainer'): Parameter[][] {
  const trained = parameters.filter((p) => p.trains)
  if (by === 'deepspeed') return [trained]
  const plain = ({ path }: Parameter): boolean => WITHOUT_DECAY.test(path)
  return [trained.filter((p) => !plain(p)), trained.filter(plain)].filter((group) => group.length > 0)
}

/** A run of a parameter's elements that one rank owns. */
export interface Run {
  readonly parameter: Parameter
  readonly rank: number
  /** Where it starts in the parameter. */
  readonly source: number
  /** Where it starts in the rank's part. */
  readonly target: number
  readonly elements: number
}

/** Parameters laid end to end and cut into equal parts, one a rank (stage_1_and_2.py). Sizes in elements. */
export interface FlatGroup {
  /** As the optimizer has them. */
  readonly parameters: readonly Parameter[]
  /** The flat buffer, padded so that every rank's part starts at 4 bytes. */
  readonly elements: number
  /** One rank's part. */
  readonly part: number
  readonly runs: readonly Run[]
}

/** NCCL's sends start at 4 bytes: two elements of 16 bits (`nccl_start_alignment_factor`). */
const ALIGNMENT = 2

/** Cuts a group for `ranks`. Round robin deals parameters out like cards, so that neighbours have different owners. */
export function flatGroup(parameters: readonly Parameter[], ranks: number, roundRobin: boolean): FlatGroup {
  const laid = roundRobin ? dealt(parameters, ranks) : parameters
  const step = ALIGNMENT * ranks
  const elements = Math.ceil(laid.reduce((n, p) => n + numel(p.axes), 0) / step) * step
  const part = elements / ranks
  const runs: Run[] = []
  let at = 0
  for (const parameter of laid) {
    const end = at + numel(parameter.axes)
    for (let rank = Math.floor(at / part); rank * part < end; rank++) {
      const from = Math.max(at, rank * part)
      const to = Math.min(end, (rank + 1) * part)
      runs.push({ parameter, rank, source: from - at, target: from - rank * part, elements: to - from })
    }
    at = end
  }
  return { parameters, elements, part, runs }
}

/** `_round_robin_reorder` */
function dealt(parameters: readonly Parameter[], ranks: number): Parameter[] {
  return Array.from({ length: ranks }, (_, rank) => parameters.filter((_, i) => i % ranks === rank)).flat()
}
