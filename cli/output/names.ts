import type { TrainingSetting } from '../../planner/result/common.ts'

const METHODS: Readonly<Record<string, string>> = {
  full: 'full',
  lora: 'LoRA',
  'lora-fa': 'LoRA-FA',
  dora: 'DoRA',
  qlora: 'QLoRA',
  'qlora-fa': 'QLoRA-FA',
}
const OPTIMIZERS: Readonly<Record<string, string>> = {
  adamw: 'AdamW',
  'adamw-8bit': '8-bit AdamW',
  'paged-adamw-8bit': 'paged 8-bit AdamW',
  adafactor: 'Adafactor',
  sgd: 'SGD',
  lorafa: 'LoRA-FA optimizer',
}

/** `lora-fa` as people write it. */
export const methodName = (method: string): string => METHODS[method] ?? method

export function optimizerName(setting: TrainingSetting): string {
  const name = OPTIMIZERS[setting.optimizer] ?? setting.optimizer
  return setting.optimizer === 'adamw' && setting.optimizer_impl ? `${name} ${setting.optimizer_impl}` : name
}

/** `2 × 512 tokens`, with the decoder's where there is one. */
export function batchName(setting: TrainingSetting): string {
  const target = setting.target_seq_len === undefined ? '' : ` → ${setting.target_seq_len}`
  const micro = setting.gradient_accumulation > 1 ? ` × ${setting.gradient_accumulation} micro-steps` : ''
  return `${setting.batch_size} × ${setting.seq_len}${target} tokens${micro}`
}

/** `non-reentrant checkpointing of one layer in 2, keeping products`; empty where there is none. */
export function checkpointingName(setting: TrainingSetting): string {
  const { gradient_checkpointing: mode, checkpoint_every: every = 1, checkpoint_keep: keep = 'none' } = setting
  if (mode === 'none') return ''
  return `${mode} checkpointing${every > 1 ? ` of one layer in ${every}` : ''}${keep === 'none' ? '' : `, keeping ${keep}`}`
}

/** An instant: `backward · lm_head · log_softmax`; the loss is outside any module. */
export const instant = (phase: string, scope: string, op: string): string =>
  [phase, scope, op].filter((part) => part !== '').join(' · ')
