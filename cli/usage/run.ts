import { OUTPUT_FLAGS, RUN_FLAGS, SETTING_FLAGS } from '../flags.ts'
import { type Command, MODEL_ARGUMENT } from './command.ts'

export const run: Command = {
  usage: 'run [model]',
  describe: 'Real training steps on an engine, measured against predicted',
  flags: [
    'method',
    ...SETTING_FLAGS.filter((f) => f !== 'stack'),
    ...RUN_FLAGS,
    'trace',
    'unit',
    'report',
    ...OUTPUT_FLAGS,
  ],
  positionals: { model: MODEL_ARGUMENT },
  examples: [['tidemark run smollm2-135m --method lora-fa -s 128', 'three steps on wasm, tier by tier']],
  load: () => import('../commands/run.ts'),
}
