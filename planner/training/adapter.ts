import type { ModelSpec } from '../../models/spec.ts'
import type { Chooser, Defaults } from './defaults.ts'
import { flagOf, type OptionKey, type TrainingOptions } from './options.ts'
import type { RefusalList } from './refusals.ts'
import type { AdapterSpec } from './spec.ts'
import { defaultTargets } from './targets.ts'

const LORA_CONFIG = "PEFT's LoraConfig"

/** Options that mean nothing without an adapter. */
const ADAPTER_KEYS: readonly OptionKey[] = [
  'rank',
  'lora_alpha',
  'lora_dropout',
  'target_modules',
  'adapter_dtype',
  'use_rslora',
  'use_dora',
  'modules_to_save',
]

/** PEFT's adapter with what was given and PEFT's own defaults. */
export function adapterSpec(
  model: ModelSpec,
  options: TrainingOptions,
  chooser: Chooser,
  problems: RefusalList,
  defaults: Defaults,
): AdapterSpec {
  const rank = chooser.pick('rank', { value: 8, from: LORA_CONFIG })
  const alpha = chooser.pick('lora_alpha', { value: 8, from: LORA_CONFIG })
  const dropout = chooser.pick('lora_dropout', { value: 0, from: LORA_CONFIG })
  const targets = targetsOf(model, options, chooser, problems)
  const dtype = chooser.pick(
    'adapter_dtype',
    'engine' in defaults
      ? { value: 'base', from: 'the engine has one floating type' }
      : { value: 'float32', from: "PEFT's autocast_adapter_dtype" },
  )
  const { modules_to_save } = options
  if (modules_to_save === undefined) noteModules(model, chooser)
  return {
    rank,
    alpha,
    dropout,
    targets,
    dtype,
    rslora: options.use_rslora === true,
    dora: options.use_dora === true,
    modulesToSave: modules_to_save ?? [],
  }
}

/** PEFT adds the head of a classifier by itself, but only for a LoraConfig with `task_type`: whoever uses one should say so. */
function noteModules(model: ModelSpec, chooser: Chooser): void {
  const isClassifier = model.task === 'sequence-classification'
  const from = isClassifier ? 'a LoraConfig without task_type; SEQ_CLS would add the classifier' : LORA_CONFIG
  chooser.note('modules-to-save', 'none', from)
}

function targetsOf(
  model: ModelSpec,
  options: TrainingOptions,
  chooser: Chooser,
  problems: RefusalList,
): readonly string[] {
  if (options.target_modules !== undefined) return options.target_modules
  const known = defaultTargets(model.modelType)
  if (known) {
    const from = `PEFT's table for model type ${model.modelType}`
    return chooser.pick('target_modules', { value: known, from })
  }
  if (model.family === 'freeform') {
    const from = 'PEFT has no table for a described architecture'
    return chooser.pick('target_modules', { value: ['all-linear'], from })
  }
  const message = `is missing, and PEFT has no default for model type ${model.modelType}`
  problems.add('missing-targets', flagOf('target_modules'), message, 'Name the linears, or say all-linear.')
  return ['all-linear']
}

/** What was said about an adapter where there is none: told, since it changes nothing. */
export function warnUnused(options: TrainingOptions): string[] {
  const unused = ADAPTER_KEYS.filter((key) => options[key] !== undefined && options[key] !== false)
  if (unused.length === 0) return []
  return [`full fine-tuning has no adapter: ${unused.map(flagOf).join(', ')} changes nothing`]
}
