import { OUTPUT_FLAGS } from '../flags.ts'
import type { Command } from './command.ts'

export const report: Command = {
  usage: 'report <results..>',
  describe: 'A saved result or trace as one offline HTML file, or in another format',
  flags: ['format', ...OUTPUT_FLAGS.filter((key) => key !== 'json')],
  positionals: {
    results: {
      describe:
        'What estimate, compare, plan, run or study printed with --json, the results of studies, or traces; - for standard input',
    },
  },
  examples: [
    ['tidemark compare llama-2-7b --json | tidemark report - -o llama.html', 'straight from a pipe'],
    ['tidemark report 7b.json 13b.json -o sizes.html', 'results side by side'],
    ['tidemark report decoder.jsonl encoder.jsonl -o studies.html', 'studies, from what --results wrote'],
    ['tidemark report predicted.jsonl measured.jsonl -o both.trace.json', 'two processes in Perfetto'],
    ['tidemark report estimate.json --format torch-snapshot', "opens in PyTorch's memory viewer"],
  ],
  load: () => import('../commands/report.ts'),
}
