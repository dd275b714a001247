import { type Launch, type LaunchFile, refuse } from './launch.ts'
import { json, type Value } from './write.ts'

/** What the Trainer fills in from the model's width (transformers/integrations/deepspeed.py, trainer_config_finalize). */
const WIDTH = {
  reduce_bucket_size: 'auto',
  stage3_prefetch_bucket_size: 'auto',
  stage3_param_persistence_threshold: 'auto',
} as const

/** Keys of `--zero-options` that stand beside `zero_optimization`. */
const OUTSIDE: readonly string[] = ['gradient_clipping', 'optimizer']

/** DeepSpeed's AdamW with what the Trainer knows of it. */
const ADAMW: Value = {
  type: 'AdamW',
  params: { lr: 'auto', betas: 'auto', eps: 'auto', weight_decay: 'auto' },
}

/** The setting's ZeRO as DeepSpeed's file: what it says nothing of is the Trainer's. @throws Refusal */
export function deepSpeedJson(tool: string, { training }: Launch): LaunchFile {
  const { zero: stage, zero_offload: offload = [], zero_options: words = [] } = training
  if (stage === undefined) refuse(tool, '--zero', 'is missing: the stage is what it is for', 'Say --gpus N --zero 2.')
  const said = Object.fromEntries(words.map(keyAndValue))
  const { optimizer, gradient_clipping: clipping = 'auto' } = said
  const host = { device: 'cpu', pin_memory: true }
  const text = json({
    train_micro_batch_size_per_gpu: training.batch_size,
    gradient_accumulation_steps: training.gradient_accumulation,
    train_batch_size: 'auto',
    gradient_clipping: clipping,
    zero_optimization: {
      stage,
      ...WIDTH,
      ...(offload.includes('optimizer') ? { offload_optimizer: host } : {}),
      ...(offload.includes('parameters') ? { offload_param: host } : {}),
      ...Object.fromEntries(Object.entries(said).filter(([key]) => !OUTSIDE.includes(key))),
      ...(stage === 3 ? { stage3_gather_16bit_weights_on_model_save: true } : {}),
    },
    bf16: { enabled: 'auto' },
    fp16: { enabled: 'auto' },
    ...(optimizer === undefined ? {} : { optimizer }),
    steps_per_print: 100,
  })
  return { name: 'deepspeed.json', text }
}

function keyAndValue(word: string): [string, Value] {
  const [key = '', text = ''] = word.split('=')
  if (key === 'optimizer') return [key, ADAMW]
  return [key, text === 'true' ? true : text === 'false' ? false : Number(text)]
}

/** Whether gradients go unclipped, which the Trainer has to say too. */
export const isUnclipped = ({ training }: Launch): boolean =>
  training.zero_options?.includes('gradient_clipping=0') === true
