import { adaptCode, FREEZE_CODE, importsOf, loadCode, optimizerCode, transformersNames } from './adapter-code.ts'
import { checkpointsOfTrl } from './checkpoints.ts'
import {
  hasAdapter,
  isLoraFa,
  isQuantized,
  type Launch,
  type LaunchFile,
  learningRate,
  mixedOf,
  refuse,
  requireOwnKernels,
  trainerOptimizer,
} from './launch.ts'
import { targets, type Value, yaml } from './write.ts'

/** What `trl sft` and the script below take: SFTConfig, ModelConfig and ScriptArguments in one file. @throws Refusal */
export function sftYaml(tool: string, launch: Launch, more: Readonly<Record<string, Value>> = {}): LaunchFile {
  const { training, model } = launch
  requireOwnKernels(tool, launch)
  if (training.task !== 'causal-lm')
    refuse(
      tool,
      '--task',
      `${training.task} is none of TRL's SFT, which trains causal language models`,
      'Say --emit peft.',
    )
  if (training.reference_model)
    refuse(
      tool,
      '--reference-model',
      'is no part of SFT',
      'Leave it out, or say --emit peft, whose script has the pass.',
    )
  const text = yaml({
    model_name_or_path: model,
    dtype: training.dtype,
    attn_implementation: training.attention,
    ...(hasAdapter(launch)
      ? {
          use_peft: true,
          lora_r: training.rank,
          lora_alpha: wholeAlpha(tool, training.lora_alpha ?? 8),
          lora_dropout: training.lora_dropout ?? 0,
          lora_target_modules: targets(training.target_modules),
          lora_modules_to_save: training.modules_to_save?.length ? training.modules_to_save : undefined,
          use_rslora: training.use_rslora === true,
          use_dora: training.use_dora === true,
        }
      : { use_peft: false }),
    load_in_4bit: training.quantize?.startsWith('nf4') ? true : undefined,
    use_bnb_nested_quant: training.quantize === 'nf4-double' ? true : undefined,
    load_in_8bit: training.quantize === 'int8' ? true : undefined,
    dataset_name: 'trl-lib/Capybara',
    max_length: training.seq_len,
    packing: false,
    per_device_train_batch_size: training.batch_size,
    gradient_accumulation_steps: training.gradient_accumulation,
    gradient_checkpointing: training.gradient_checkpointing !== 'none',
    gradient_checkpointing_kwargs: checkpointsOfTrl(tool, launch),
    bf16: mixedOf(launch) === 'bfloat16',
    fp16: mixedOf(launch) === 'float16',
    optim: trainerOptimizer(tool, launch),
    learning_rate: learningRate(launch),
    num_train_epochs: 1,
    logging_steps: 10,
    output_dir: 'out',
    report_to: 'none',
    ...more,
  })
  return { name: 'sft.yaml', text: `# trl sft --config sft.yaml; dataset_name is an example\n${text}` }
}

/** ModelConfig.lora_alpha is an integer. */
const wholeAlpha = (tool: string, alpha: number): number =>
  Number.isInteger(alpha)
    ? alpha
    : refuse(tool, '--lora-alpha', `${alpha} is no whole number, which it has to be`, 'Say a whole number.')

/**
 * The script that launchers start: TRL's SFTTrainer with the model and the adapter as predicted, and PEFT's optimizer for LoRA-FA,
 * which TRL has no word for.
 *
 * @throws Refusal for adapters of a quantized base in float32: SFTTrainer casts them to bfloat16
 */
export function sftScript(tool: string, launch: Launch): LaunchFile {
  const { training } = launch
  if (
    isQuantized(launch) &&
    hasAdapter(launch) &&
    !(training.adapter_dtype === 'base' && training.dtype === 'bfloat16')
  )
    refuse(
      tool,
      '--adapter-dtype',
      `${training.adapter_dtype}: SFTTrainer casts adapters of a quantized base to bfloat16`,
      'Say --adapter-dtype base --dtype bfloat16, or --emit peft.',
    )
  const lorafa = training.optimizer === 'lorafa'
  const adapted = hasAdapter(launch) ? 'adapt(load(names.model_name_or_path))' : 'load(names.model_name_or_path)'
  const text = `"""SFTTrainer on the model, adapter and optimizer that tidemark predicted.

usage: python train.py --config sft.yaml
"""
${isLoraFa(launch) ? '\nfrom contextlib import contextmanager\n' : ''}
${importsOf(launch).join('\n')}
from datasets import load_dataset
from transformers import ${transformersNames(launch).sort().join(', ')}
from trl import ModelConfig, ScriptArguments, SFTConfig, SFTTrainer, TrlParser


${loadCode(launch)}

${isLoraFa(launch) ? `${FREEZE_CODE}\n\n` : ''}${hasAdapter(launch) ? `${adaptCode(launch)}\n\n` : ''}${lorafa ? `${optimizerCode(launch, learningRate(launch))}\n\n` : ''}def trainer_of(script, args, names, dataset=None):
    model = ${adapted}
    if dataset is None:
        dataset = load_dataset(script.dataset_name, name=script.dataset_config, split=script.dataset_train_split)
    ${lorafa ? 'optimizers = (optimizer_of(model), None)\n    ' : ''}return SFTTrainer(model=model, args=args, train_dataset=dataset${lorafa ? ', optimizers=optimizers' : ''})


if __name__ == "__main__":
    parser = TrlParser((ScriptArguments, SFTConfig, ModelConfig))
    trainer = trainer_of(*parser.parse_args_and_config())
    trainer.train()
    trainer.save_model()
`
  return { name: 'train.py', text }
}
