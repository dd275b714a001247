import type { Reportable } from '../../reports/index.ts'
import { checkOutputPath, isStdout, writeFileWhole } from '../files/write.ts'
import { plural } from '../output/numbers.ts'
import type { FromFiles } from '../settings/files.ts'
import type { Terminal } from '../terminal.ts'
import type { Setup } from '../whatif/setup.ts'
import type { Context } from './context.ts'

/** Paths that the command will write to, refused before any work if they cannot be written. */
export async function checkOutputs({ values }: Context): Promise<void> {
  if (values.output !== undefined) await checkOutputPath(values.output, '--output')
  if (values.report !== undefined) await checkOutputPath(values.report, '--report')
  if (values.trace !== undefined) await checkOutputPath(values.trace, '--trace')
}

/** The result: one JSON document or a text, on stdout or into the file that was named. */
export function emit({ values, terminal }: Context, result: unknown, text: () => string): void {
  const content = values.json === true ? JSON.stringify(result) : text()
  const whole = content.endsWith('\n') ? content : `${content}\n`
  if (values.output === undefined || isStdout(values.output)) {
    terminal.print(whole)
    return
  }
  writeFileWhole(values.output, whole)
  terminal.say(`wrote ${values.output}`)
}

/** What was assumed and what to beware of: on stderr, and in the JSON. */
export function tell(
  { terminal, values, files }: Context,
  assumptions: readonly { what: string; value: string; from: string }[],
  warnings: readonly string[],
): void {
  const { err } = terminal
  tellFiles(terminal, files)
  if (values.json !== true && assumptions.length > 0) {
    const shown = assumptions.map((a) => `  ${a.what} ${a.value} ${err.dim(`(${a.from})`)}`)
    terminal.say([err.dim('assumed:'), ...shown].join('\n'))
  }
  for (const warning of warnings) terminal.say(`${err.yellow('warning:')} ${warning}`)
}

/** What each file was taken for; `--verbose` lists the keys that take no part. */
function tellFiles(terminal: Terminal, files: FromFiles | undefined): void {
  const { err, manners } = terminal
  for (const { file, format, read, ignored } of files?.reports ?? []) {
    const skipped = ignored.map(({ key, reason }) => `  ${key} ${err.dim(`(${reason})`)}`)
    const more = manners.verbose || ignored.length === 0 ? '' : ' (--verbose lists them)'
    terminal.say(`${file}: ${format}, ${plural(read.length, 'key')} read, ${ignored.length} ignored${more}`)
    if (manners.verbose && skipped.length > 0) terminal.say(skipped.join('\n'))
  }
}

/** Writes the HTML report where one was asked for and prints its path last. */
export async function writeReport(
  { values, terminal }: Context,
  result: Reportable,
  setup: Setup | null,
): Promise<void> {
  if (values.report === undefined) return
  const { renderPage } = await import('../pages.ts')
  writeFileWhole(values.report, await renderPage([{ result, setup }]))
  if (values.json === true) terminal.say(`report: ${values.report}`)
  else terminal.print(`report: ${values.report}`)
}
