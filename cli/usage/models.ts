import { type FlagKey, OUTPUT_FLAGS } from '../flags.ts'
import type { Command } from './command.ts'

const ACTIONS = ['list', 'show', 'check', 'schema', 'explain'] as const

export const models: Command = {
  usage: 'models [action] [name]',
  describe: 'What is known: list, show NAME, check FILE, schema, explain TOPIC',
  flags: ['task', 'layers', ...OUTPUT_FLAGS] satisfies readonly FlagKey[],
  positionals: {
    action: { describe: 'What to do; list if left out', choices: ACTIONS },
    name: { describe: 'A model for show and check, a topic for explain' },
  },
  examples: [
    ['tidemark models show llama-2-7b', 'its dimensions and where each comes from'],
    ['tidemark models check mine.yaml', 'everything that is wrong with a description'],
    ['tidemark models explain lora-fa', 'the idea with one drawing'],
  ],
  load: () => import('../commands/models.ts'),
}
