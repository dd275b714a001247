import { basename } from 'node:path'
import { readJson } from '../../models/json.ts'
import { EXIT, UsageError } from '../errors.ts'
import { readStandardInput, readTextFile } from '../files/read.ts'
import { checkOutputPath, writeFileWhole } from '../files/write.ts'
import { OUTPUT_FLAGS, type Values } from '../flags.ts'
import { RESULT_FORMATS, type ResultFormat, renderChromeTrace, renderResult } from '../reports.ts'
import { type Command, textArgument } from './command.ts'
import { contextOf } from './context.ts'

/** Traces of large models are long. */
const MAX_BYTES = 512 * 1024 * 1024

type Format = NonNullable<Values['format']>[number]

const ENDINGS: Readonly<Record<Format, string>> = {
  html: 'html',
  md: 'md',
  csv: 'csv',
  svg: 'svg',
  png: 'png',
  'chrome-trace': 'trace.json',
  'torch-snapshot': 'pickle',
}

export const report: Command = {
  usage: 'report <result>',
  describe: 'One offline HTML file from a saved --json result, or other formats; Chrome traces from a --trace',
  flags: ['format', ...OUTPUT_FLAGS.filter((key) => key !== 'json')],
  positionals: {
    result: { describe: 'What estimate, compare or run printed with --json, or a trace; - for standard input' },
  },
  examples: [['tidemark compare llama-2-7b --json | tidemark report - -o llama.html', 'straight from a pipe']],
  async run(args, raw) {
    const context = await contextOf(raw, this.flags, 'report')
    const { values, terminal, placeOf } = context
    const path = textArgument(args, 'result')
    const text = path === '-' ? await readStandardInput(MAX_BYTES) : await readSaved(path)
    const isTrace = /^\s*\{\s*"schema"\s*:\s*"tidemark\/trace@/.test(text)
    const formats = values.format ?? [isTrace ? 'chrome-trace' : 'html']
    requireFormats(formats, isTrace, placeOf('--format'))
    const targets = formats.map((format) => [format, targetOf(path, values.output, format, formats.length)] as const)
    for (const [, target] of targets) await checkOutputPath(target, '--output')
    const render = isTrace ? await traceRenderer(text, path) : await resultRenderer(text, path)
    for (const [format, target] of targets) {
      writeFileWhole(target, await render(format))
      terminal.print(target)
    }
    return EXIT.done
  },
}

function requireFormats(formats: readonly Format[], isTrace: boolean, where: string): void {
  const there: readonly Format[] = isTrace ? ['chrome-trace'] : RESULT_FORMATS
  const missing = formats.filter((f) => !there.includes(f))
  if (missing.length === 0) return
  const elsewhere = missing.every((f) => f === 'chrome-trace' || (RESULT_FORMATS as readonly Format[]).includes(f))
  const message = elsewhere
    ? `${missing.join(', ')} is made from ${isTrace ? 'a result of --json' : 'a trace of --trace'}`
    : `${missing.join(', ')}: not there yet`
  throw new UsageError([{ where, message, next: `Formats of this input: ${there.join(', ')}.` }])
}

/** The file that was named, or one named after the input; several formats share the name and differ in their ending. */
function targetOf(path: string, output: string | undefined, format: Format, count: number): string {
  if (output !== undefined && count === 1) return output
  const base = output ?? (path === '-' ? 'report' : basename(path))
  return `${base.replace(/\.(jsonl?|html|md|csv|svg)$/i, '')}.${ENDINGS[format]}`
}

async function resultRenderer(text: string, path: string): Promise<(format: Format) => Promise<string>> {
  const { parseResult } = await import('../model/result.ts')
  const result = parseResult(readJson(text, path).value, path)
  // only formats of a result get here
  return (format) => renderResult(result, format as ResultFormat)
}

async function traceRenderer(text: string, path: string): Promise<() => Promise<string>> {
  const { parseTrace } = await import('../model/trace.ts')
  const { name, events } = parseTrace(text, path)
  return () => renderChromeTrace(events, name)
}

const readSaved = (path: string): Promise<string> =>
  readTextFile(path, { limit: MAX_BYTES, what: 'a result that --json printed, or a trace', flag: '' })
