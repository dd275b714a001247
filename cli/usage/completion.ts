import { OUTPUT_FLAGS } from '../flags.ts'
import type { Command } from './command.ts'

export const completion: Command = {
  usage: 'completion [shell]',
  describe: 'Print a completion script for bash, zsh or fish',
  flags: OUTPUT_FLAGS.filter((key) => key !== 'json' && key !== 'output'),
  positionals: { shell: { describe: 'Which shell; bash if left out', choices: ['bash', 'zsh', 'fish'] } },
  examples: [['source <(tidemark completion bash)', 'complete in this shell']],
  load: () => import('../commands/completion.ts'),
}
