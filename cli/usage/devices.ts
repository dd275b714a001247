import { OUTPUT_FLAGS } from '../flags.ts'
import type { Command } from './command.ts'

export const devices: Command = {
  usage: 'devices [action] [name]',
  describe: 'GPUs that --gpu knows: list, show NAME',
  flags: [...OUTPUT_FLAGS],
  positionals: {
    action: { describe: 'What to do; list if left out', choices: ['list', 'show'] },
    name: { describe: 'A device for show' },
  },
  examples: [['tidemark devices show rtx4090', 'memory, rates and where they are from']],
  load: () => import('../commands/devices.ts'),
}
