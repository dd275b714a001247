import { basename } from 'node:path'
import { EXIT, UsageError } from '../errors.ts'
import { checkOutputPath, isStdout, writeFileWhole } from '../files/write.ts'
import type { Values } from '../flags.ts'
import type { PageResult } from '../pages.ts'
import { type EventFormat, RESULT_FORMATS, renderChromeTrace, renderResult, renderTorchSnapshot } from '../reports.ts'
import type { Terminal } from '../terminal.ts'
import type { Run } from '../usage/command.ts'
import { textsArgument } from './arguments.ts'
import { contextOf } from './context.ts'
import { type EventSource, eventsOf, readSource, type Source } from './source.ts'

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

/** A file to write, and its content once it is known that it can be written. */
interface Output {
  readonly target: string
  readonly render: () => Promise<string | Uint8Array>
}

export const run: Run = async (args, raw, flags) => {
  const context = await contextOf(raw, flags, 'report')
  const { values, terminal, placeOf } = context
  const sources: Source[] = []
  for (const path of textsArgument(args, 'results')) sources.push(await readSource(path))
  const formats = values.format ?? [sources.every((s) => 'trace' in s) ? 'chrome-trace' : 'html']
  const outputs: Output[] = []
  for (const format of formats) {
    const name = (part: string) => targetOf(sources[0]!.path, values.output, format, formats.length, part)
    outputs.push(
      ...(isEventFormat(format)
        ? eventOutputs(format, await allEvents(sources, terminal.env), name)
        : [{ target: name(''), render: resultRenderer(format, sources, terminal, placeOf('--format')) }]),
    )
  }
  for (const { target } of outputs) await checkOutputPath(target, '--output')
  for (const { target, render } of outputs) {
    const content = await render()
    if (isStdout(target)) process.stdout.write(content)
    else {
      writeFileWhole(target, content)
      terminal.print(target)
    }
  }
  return EXIT.done
}

const isEventFormat = (format: Format): format is EventFormat =>
  ENDINGS[format] === 'trace.json' || ENDINGS[format] === 'pickle'

async function allEvents(sources: readonly Source[], env: NodeJS.ProcessEnv): Promise<EventSource[]> {
  const all: EventSource[] = []
  for (const source of sources) all.push(...(await eventsOf(source, env)))
  return all
}

/** One Chrome trace of all events; a snapshot each, since a snapshot is of one process. */
function eventOutputs(format: EventFormat, found: readonly EventSource[], name: (part: string) => string): Output[] {
  if (format === 'chrome-trace') {
    const sources = found.map((s) => ({
      name: `${s.kind}${s.method && ` ${s.method}`}, ${s.runtime}`,
      events: s.events,
    }))
    return [{ target: name(''), render: () => renderChromeTrace(sources) }]
  }
  return found.map((s, i) => {
    const part = found.length === 1 ? '' : s.method || String(i + 1)
    return { target: name(part), render: () => renderTorchSnapshot(s.events, s) }
  })
}

function resultRenderer(
  format: Exclude<Format, EventFormat>,
  sources: readonly Source[],
  terminal: Terminal,
  where: string,
): Output['render'] {
  const [source, ...more] = sources
  const results = sources.filter((s) => 'result' in s)
  if (format === 'html' && results.length === sources.length) return () => pageOf(results, terminal)
  if (source !== undefined && more.length === 0 && 'result' in source && format !== 'html')
    return () => renderResult(source.result, format)
  const message =
    more.length > 0
      ? `${format} is made from one result; ${sources.length} were given`
      : `${format} is made from a result of --json`
  const next =
    more.length > 0
      ? 'Give one at a time.'
      : `Formats of a trace: chrome-trace, torch-snapshot; of a result: ${RESULT_FORMATS.join(', ')} too.`
  throw new UsageError([{ where, message, next }])
}

/** One page of all results, side by side where there are several. */
async function pageOf(sources: readonly Extract<Source, { result: unknown }>[], terminal: Terminal): Promise<string> {
  const [{ renderPage }, { askedAgain }] = await Promise.all([import('../pages.ts'), import('../whatif/saved.ts')])
  const pages: PageResult[] = []
  for (const { path, result } of sources) {
    const { page, why } = await askedAgain(result, path, terminal.env)
    if (why !== null) terminal.say(`${path}: its page has no controls, since ${why}`)
    pages.push(page)
  }
  return renderPage(pages)
}

/** The file that was named, or one named after the input; several files share the name and differ in method or ending. */
function targetOf(path: string, output: string | undefined, format: Format, count: number, part: string): string {
  if (output !== undefined && count === 1 && part === '') return output
  const base = output ?? (path === '-' ? 'report' : basename(path))
  const stem = base.replace(/\.(jsonl?|html|md|csv|svg|png|pickle)$/i, '')
  return `${stem}${part && `-${part}`}.${ENDINGS[format]}`
}
