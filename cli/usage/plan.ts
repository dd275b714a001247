import { OUTPUT_FLAGS, PARALLEL_FLAGS, SETTING_FLAGS } from '../flags.ts'
import { type Command, MODEL_ARGUMENT } from './command.ts'

export const plan: Command = {
  usage: 'plan [model]',
  describe: 'What fits: the largest batch, length or rank, and the cheapest changes',
  flags: [
    'method',
    ...SETTING_FLAGS,
    'gpu',
    ...PARALLEL_FLAGS,
    'alloc_conf',
    'budget',
    'maximize',
    'fix',
    'top',
    'emit',
    'emit_to',
    'pick',
    'check',
    'unit',
    'report',
    ...OUTPUT_FLAGS,
  ],
  positionals: { model: MODEL_ARGUMENT },
  examples: [
    ['tidemark plan llama-2-7b --method lora -s 2048 --gpu rtx4090', 'what would make it fit, cheapest first'],
    [
      'tidemark plan llama-2-7b --method lora -b 8 --gpu rtx4090 --emit trl --pick 2',
      'and the files that start the second',
    ],
    ['tidemark plan mistral-7b --method lora-fa --gpu a100-80gb --maximize length', 'the longest sequence'],
  ],
  load: () => import('../commands/plan.ts'),
}
