import { OUTPUT_FLAGS } from '../flags.ts'
import type { Command } from './command.ts'

export const study: Command = {
  usage: 'study <model>',
  describe: 'Trains with each method on real text: quality beside measured memory',
  flags: [
    'study_methods',
    'ranks',
    'learning_rates',
    'seeds',
    'study_steps',
    'study_batch_size',
    'study_seq_len',
    'pretrain_steps',
    'text',
    'pretrain_text',
    'tokenizer',
    'results',
    'adapters',
    'study_alpha',
    'lora_dropout',
    'study_targets',
    'task',
    'layers',
    'engine',
    'unit',
    'report',
    ...OUTPUT_FLAGS,
  ],
  positionals: {
    model: {
      describe:
        'tiny-decoder, tiny-encoder, tiny-encoder-decoder, or a model as estimate takes it, with its weights beside its config',
    },
  },
  examples: [
    [
      'tidemark study tiny-decoder --results decoder.jsonl',
      'four methods, three seeds; goes on from the file if stopped',
    ],
    [
      'tidemark study tiny-decoder --ranks 1,8,64 --learning-rates 1e-3,1e-2 --report sweep.html',
      'a sweep, and its page',
    ],
  ],
  load: () => import('../commands/study.ts'),
}
