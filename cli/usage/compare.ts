import { HARDWARE_FLAGS, OUTPUT_FLAGS, RUN_FLAGS, SETTING_FLAGS } from '../flags.ts'
import { type Command, MODEL_ARGUMENT } from './command.ts'

export const compare: Command = {
  usage: 'compare [model]',
  describe: 'Methods side by side; --run puts measured beside predicted',
  flags: [
    'methods',
    ...SETTING_FLAGS,
    ...HARDWARE_FLAGS,
    'run',
    'matrix',
    ...RUN_FLAGS,
    'unit',
    'report',
    ...OUTPUT_FLAGS,
  ],
  positionals: { model: MODEL_ARGUMENT },
  examples: [
    ['tidemark compare llama-2-7b -s 512 --gpu rtx4090', 'full, LoRA and LoRA-FA for a PyTorch stack'],
    ['tidemark compare smollm2-135m --run -s 128', 'and real steps on wasm beside their prediction'],
  ],
  load: () => import('../commands/compare.ts'),
}
