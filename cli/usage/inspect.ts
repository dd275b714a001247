import { OUTPUT_FLAGS, SETTING_FLAGS } from '../flags.ts'
import type { Command } from './command.ts'

export const inspect: Command = {
  usage: 'inspect <measured>',
  describe: 'A measured run beside its plan: which term differs, and why',
  flags: ['plan', 'method', ...SETTING_FLAGS, 'gpu', 'unit', ...OUTPUT_FLAGS],
  positionals: {
    measured: {
      describe:
        "A snapshot of torch.cuda.memory._dump_snapshot, a trace, a Trainer's all_results.json, a CSV log of nvidia-smi, or a size: 23.4GiB",
    },
  },
  examples: [
    ['tidemark inspect snapshot.pickle --plan llama-2-7b --method lora-fa -s 512', 'which tensors the run keeps'],
    ['tidemark inspect 23.4GiB --plan estimate.json', 'what nvidia-smi showed, beside a saved estimate'],
  ],
  load: () => import('../commands/inspect.ts'),
}
