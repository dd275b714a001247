import { requireWhole } from './checkpoints.ts'
import {
  hasAdapter,
  isLoraFa,
  type Launch,
  type Launched,
  type LaunchFile,
  learningRate,
  refuse,
  requireOwnKernels,
  requireSharing,
  trainerOptimizer,
} from './launch.ts'
import { yaml } from './write.ts'

const ATTENTION: Readonly<Record<string, string>> = { eager: 'disabled', sdpa: 'sdpa', flash_attention_2: 'fa2' }

/**
 * LLaMA-Factory's file; LoRA-FA as a callback in a script that starts its own `run_exp`.
 *
 * @throws Refusal for what it does otherwise (hparams/parser.py, model/adapter.py)
 */
export function llamaFactory(launch: Launch): Launched {
  const { training, model } = launch
  const precision = requireSayable(launch)
  const text = yaml({
    model_name_or_path: model,
    stage: 'sft',
    do_train: true,
    ...(hasAdapter(launch)
      ? {
          finetuning_type: 'lora',
          lora_rank: training.rank,
          lora_alpha: training.lora_alpha ?? 8,
          lora_dropout: training.lora_dropout ?? 0,
          lora_target: training.target_modules?.includes('all-linear') ? 'all' : training.target_modules?.join(','),
          additional_target: training.modules_to_save?.length ? training.modules_to_save.join(',') : undefined,
          use_rslora: training.use_rslora ? true : undefined,
          use_dora: training.use_dora ? true : undefined,
        }
      : { finetuning_type: 'full' }),
    quantization_bit: training.quantize?.startsWith('nf4') ? 4 : training.quantize === 'int8' ? 8 : undefined,
    quantization_method: training.quantize ? 'bnb' : undefined,
    double_quantization: training.quantize?.startsWith('nf4') ? training.quantize === 'nf4-double' : undefined,
    dataset: 'identity',
    template: 'default',
    cutoff_len: training.seq_len,
    packing: false,
    per_device_train_batch_size: training.batch_size,
    gradient_accumulation_steps: training.gradient_accumulation,
    ...precision,
    flash_attn: ATTENTION[training.attention],
    disable_gradient_checkpointing: training.gradient_checkpointing === 'none',
    use_reentrant_gc: training.gradient_checkpointing === 'reentrant',
    optim: trainerOptimizer('llama-factory', launch),
    learning_rate: learningRate(launch),
    num_train_epochs: 1,
    logging_steps: 10,
    output_dir: 'out',
    report_to: 'none',
  })
  const config = { name: 'llama-factory.yaml', text: `# dataset and template are examples\n${text}` }
  if (!isLoraFa(launch)) return { files: [config], command: 'llamafactory-cli train llama-factory.yaml', notes: [] }
  return { files: [config, SCRIPT], command: 'python train.py llama-factory.yaml', notes: [] }
}

/** bf16 loads in bfloat16 and trains what trains in float32, under mixed precision; pure_bf16 all in bfloat16. */
function requireSayable(launch: Launch): Readonly<Record<string, boolean>> {
  const { training } = launch
  const { dtype, autocast = 'none', adapter_dtype: adapter } = training
  const tool = 'llama-factory'
  requireSharing(tool, launch, ['alone', 'ddp'])
  requireOwnKernels(tool, launch)
  if (training.optimizer === 'lorafa')
    refuse(
      tool,
      '--optimizer',
      "lorafa: its trainer makes its own optimizer; A is frozen under AdamW, without PEFT's correction",
      'Say --optimizer adamw.',
    )
  requireWhole(tool, launch)
  if (training.prepare_kbit) refuse(tool, '--prepare-kbit', 'is not what it calls', 'Leave it out.')
  if (training.task !== 'causal-lm')
    refuse(tool, '--task', `${training.task} is none of its stages`, 'Say --emit peft.')
  if (training.reference_model) refuse(tool, '--reference-model', 'is no part of supervised training', 'Leave it out.')
  const full = !hasAdapter(launch)
  if (dtype === 'float32' && autocast === 'none') return {}
  for (const [type, key] of [
    ['bfloat16', 'bf16'],
    ['float16', 'fp16'],
  ] as const) {
    const mixed = full ? dtype === 'float32' : dtype === type && adapter === 'float32'
    if (autocast === type && mixed) return { [key]: true }
  }
  if (dtype === 'bfloat16' && autocast === 'none' && (full || adapter === 'base')) return { pure_bf16: true }
  return refuse(
    tool,
    '--autocast',
    `${autocast} with ${dtype} weights${full ? '' : ` and adapters in ${adapter}`} is none of its precisions`,
    full
      ? 'Say --dtype float32 --autocast bfloat16, or --dtype bfloat16 --autocast none.'
      : 'Say --dtype bfloat16 --autocast bfloat16 --adapter-dtype float32, or --dtype bfloat16 --autocast none --adapter-dtype base.',
  )
}

const SCRIPT: LaunchFile = {
  name: 'train.py',
  text: `"""LoRA-FA for LLaMA-Factory: A is frozen before the first step, so that it gets no gradient and AdamW no state for it.

usage: python train.py llama-factory.yaml
"""

from llamafactory.train.tuner import run_exp
from transformers import TrainerCallback


def freeze_a(model):
    for name, parameter in model.named_parameters():
        if ".lora_A." in name:
            parameter.requires_grad_(False)


class LoraFACallback(TrainerCallback):
    def on_train_begin(self, args, state, control, model=None, **kwargs):
        freeze_a(model)

    def on_step_begin(self, args, state, control, model=None, **kwargs):
        # PEFT lets A train again when a pass under disable_adapter() ends (enable_adapters calls set_adapter)
        freeze_a(model)


if __name__ == "__main__":
    run_exp(callbacks=[LoraFACallback()])
`,
}
