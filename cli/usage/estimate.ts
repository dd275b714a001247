import { HARDWARE_FLAGS, OUTPUT_FLAGS, SETTING_FLAGS } from '../flags.ts'
import { type Command, MODEL_ARGUMENT } from './command.ts'

export const estimate: Command = {
  usage: 'estimate [model]',
  describe: 'Peak memory of one training step: when, where and why',
  flags: [
    'method',
    ...SETTING_FLAGS,
    ...HARDWARE_FLAGS,
    'check_format',
    'explain',
    'law',
    'trace',
    'emit',
    'emit_to',
    'unit',
    'report',
    ...OUTPUT_FLAGS,
  ],
  positionals: { model: MODEL_ARGUMENT },
  examples: [
    ['tidemark estimate llama-2-7b --method lora-fa -s 512', 'LoRA-FA on LLaMA-2 7B'],
    ['tidemark estimate ./config.json --gpu 80GiB --check', 'exit 3 if it does not fit'],
    ['tidemark estimate --config axolotl.yaml', 'model and setting of an Axolotl run'],
    ['tidemark estimate llama-3.2-1b --method lora-fa --emit peft', 'and the script that trains it'],
  ],
  load: () => import('../commands/estimate.ts'),
}
