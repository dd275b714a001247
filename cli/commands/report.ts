import { basename } from 'node:path'
import { readJson } from '../../models/json.ts'
import { EXIT, UsageError } from '../errors.ts'
import { readStandardInput, readTextFile } from '../files/read.ts'
import { checkOutputPath, writeFileWhole } from '../files/write.ts'
import { OUTPUT_FLAGS } from '../flags.ts'
import { renderHtml } from '../reports.ts'
import { type Command, textArgument } from './command.ts'
import { contextOf } from './context.ts'

const MAX_BYTES = 64 * 1024 * 1024

export const report: Command = {
  usage: 'report <result>',
  describe: 'One offline HTML file from a saved --json result',
  flags: ['format', ...OUTPUT_FLAGS.filter((key) => key !== 'json')],
  positionals: { result: { describe: 'What estimate, compare or run printed with --json; - for standard input' } },
  examples: [['tidemark compare llama-2-7b --json | tidemark report - -o llama.html', 'straight from a pipe']],
  async run(args, raw) {
    const context = await contextOf(raw, this.flags, 'report')
    const { values, terminal, placeOf } = context
    const missing = (values.format ?? []).filter((f) => f !== 'html')
    if (missing.length > 0) {
      const message = `${missing.join(', ')}: not there yet`
      throw new UsageError([{ where: placeOf('--format'), message, next: 'Formats that are there: html.' }])
    }
    const path = textArgument(args, 'result')
    const target = values.output ?? `${path === '-' ? 'report' : basename(path).replace(/\.json$/i, '')}.html`
    await checkOutputPath(target, '--output')
    const text = path === '-' ? await readStandardInput(MAX_BYTES) : await readResult(path)
    const { parseResult } = await import('../model/result.ts')
    writeFileWhole(target, await renderHtml(parseResult(readJson(text, path).value, path)))
    terminal.print(target)
    return EXIT.done
  },
}

const readResult = (path: string): Promise<string> =>
  readTextFile(path, { limit: MAX_BYTES, what: 'a result that --json printed', flag: '' })
