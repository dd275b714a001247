import { OUTPUT_FLAGS } from '../flags.ts'
import type { Command } from './command.ts'

const ACTIONS = ['list', 'doctor', 'install'] as const
export const INSTALLABLE = ['tensorflow', 'webgpu'] as const

export const engines: Command = {
  usage: 'engines [action] [what]',
  describe: 'What can run a step here, why another cannot, and how to have it',
  flags: ['cuda', ...OUTPUT_FLAGS],
  positionals: {
    action: { describe: 'What to do; list if left out', choices: ACTIONS },
    what: { describe: 'What to install', choices: INSTALLABLE },
  },
  examples: [
    ['tidemark engines doctor', 'load each engine and measure it'],
    ['tidemark engines install tensorflow', 'tfjs-node on a current TensorFlow, in the cache folder'],
    ['tidemark engines install webgpu', 'any GPU with a Vulkan, Metal or Direct3D 12 driver'],
  ],
  load: () => import('../commands/engines.ts'),
}
