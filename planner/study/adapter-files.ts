import type { ModelSpec } from '../../models/spec.ts'
import { writeSafetensors } from '../../models/weights/tensors.ts'
import { sizes } from '../trace/axes.ts'
import type { StudySetting } from './setting.ts'

/** A tensor by the name that a file gives it. */
export interface NamedTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly values: Float32Array
}

const TASK_TYPE = {
  'causal-lm': 'CAUSAL_LM',
  'sequence-classification': 'SEQ_CLS',
  'seq2seq-lm': 'SEQ_2_SEQ_LM',
} as const

/**
 * A trained adapter as PEFT's `save_pretrained` writes it (peft/utils/save_and_load.py, get_peft_model_state_dict): the adapter's name
 * is left out of the names of tensors, modules that train whole are saved as if they were plain, and all stands below `base_model.model`.
 *
 * @param weights all parameters by path
 */
export function adapterFiles(
  model: ModelSpec,
  { network, train }: StudySetting,
  weights: ReadonlyMap<string, Float32Array>,
): { readonly config: Readonly<Record<string, unknown>>; readonly tensors: Uint8Array } {
  const { adapter } = train
  if (adapter === null) throw new Error('full fine-tuning has no adapter')
  const kept = network.parameters.filter(({ path }) => /\.lora_|\.modules_to_save\./.test(path))
  const tensors = kept.map((p) => ({
    name: peftName(p.path),
    shape: sizes(p.axes),
    values: weights.get(p.path)!,
  }))
  const [only] = adapter.targets
  return {
    tensors: writeSafetensors(tensors),
    config: {
      peft_type: 'LORA',
      task_type: TASK_TYPE[model.task],
      base_model_name_or_path: null,
      inference_mode: true,
      r: adapter.rank,
      lora_alpha: adapter.alpha,
      lora_dropout: adapter.dropout,
      use_rslora: adapter.rslora,
      use_dora: adapter.dora === true,
      bias: 'none',
      fan_in_fan_out: false,
      target_modules: only === 'all-linear' ? adaptedNames(kept.map((p) => p.path)) : [...adapter.targets],
      modules_to_save: adapter.modulesToSave?.length ? [...adapter.modulesToSave] : null,
    },
  }
}

/** The name in the file of a parameter of the adapter: `….lora_A.default.weight` is saved as `….lora_A.weight`, `….modules_to_save.default.weight` as `….weight`. */
export const peftName = (path: string): string =>
  `base_model.model.${path}`
    .replace(/\.modules_to_save\.default(?=\.)/, '')
    .replace(/(?<=\.lora_\w+)\.default(?=\.)/, '')

/** Whole paths of the linears that carry an adapter: PEFT saves `all-linear` as the names it came to. */
const adaptedNames = (paths: readonly string[]): string[] =>
  paths.flatMap((path) => (path.endsWith('.lora_A.default.weight') ? [path.replace('.lora_A.default.weight', '')] : []))
