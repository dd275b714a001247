import type { ModelSpec } from '../../models/spec.ts'
import type { StudyRequest } from '../../planner/study/request.ts'
import type { Context } from '../commands/context.ts'

const DEFAULTS = { seeds: 3, pretrainSteps: 800, batch: 8, ranks: [8] } as const

/** A classifier hears of one label a window, a language model of one a token: it is given longer windows and more of them. */
const BY_TASK: Readonly<Record<ModelSpec['task'], { readonly steps: number; readonly tokens: number }>> = {
  'causal-lm': { steps: 200, tokens: 64 },
  'seq2seq-lm': { steps: 200, tokens: 64 },
  'sequence-classification': { steps: 400, tokens: 128 },
}

/** A study as the flags ask for it; what engine runs it is found when its size is known. */
export function requestOf(
  { values }: Context,
  model: ModelSpec,
  corpora: StudyRequest['corpora'],
  checkpoint: readonly string[],
  tokenizer: StudyRequest['tokenizer'],
): Omit<StudyRequest, 'engine'> {
  const tokens = values.study_seq_len ?? BY_TASK[model.task].tokens
  return {
    model,
    options: {
      batch_size: values.study_batch_size ?? DEFAULTS.batch,
      seq_len: tokens,
      ...(model.task === 'seq2seq-lm' ? { target_seq_len: tokens } : {}),
      lora_alpha: values.study_alpha,
      lora_dropout: values.lora_dropout,
      target_modules: values.study_targets,
    },
    methods: values.study_methods ?? ['full', 'lora', 'lora-fa', 'lora-fa-corrected'],
    ranks: values.ranks ?? DEFAULTS.ranks,
    learningRates: values.learning_rates ?? [],
    seeds: Array.from({ length: values.seeds ?? DEFAULTS.seeds }, (_, seed) => seed),
    steps: values.study_steps ?? BY_TASK[model.task].steps,
    pretrainSteps: values.pretrain_steps ?? DEFAULTS.pretrainSteps,
    corpora,
    tokenizer,
    checkpoint: checkpoint.length === 0 ? null : checkpoint.join(', '),
  }
}
