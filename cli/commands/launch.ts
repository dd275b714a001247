import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from '../errors.ts'
import { writeFileWhole } from '../files/write.ts'
import type { Values } from '../flags.ts'
import type { Context } from './context.ts'
import type { Prepared, PreparedMethod } from './prepared.ts'

/** Files that start a setting, made and not yet written. */
export interface Emitted {
  readonly folder: string
  readonly files: readonly { readonly name: string; readonly text: string }[]
  readonly command: string
  readonly notes: readonly string[]
}

/**
 * Makes the files of `--emit`, before anything is printed.
 *
 * @throws UsageError where the model is nothing that can be loaded, or the folder holds other files; Refusal for what the tool
 * has no words for
 */
export async function emitted(
  { found }: Prepared,
  { setting }: PreparedMethod,
  values: Values,
): Promise<Emitted | undefined> {
  const { emit: tool } = values
  if (tool === undefined) {
    if (values.emit_to === undefined) return undefined
    throw problem('--emit-to', 'belongs to --emit', 'Say --emit peft, or leave it out.')
  }
  if (found.load === undefined) {
    const message = `writes files that load the model, and ${found.spec.name} is nothing that transformers loads`
    throw problem(`--emit ${tool}`, message, 'Give a catalog name, a repository, or the folder of a checkpoint.')
  }
  if (setting.layers !== undefined)
    throw problem(`--emit ${tool}`, 'starts the whole model; --layers cuts it', 'Leave --layers out.')
  const { emit } = await import('../../reports/launch/index.ts')
  const launched = emit(tool, { model: found.load, training: setting })
  const folder = values.emit_to ?? `launch-${tool}`
  const there = statSync(folder, { throwIfNoEntry: false })
  if (there !== undefined && !there.isDirectory())
    throw problem('--emit-to', `${folder} is no folder`, 'Give a folder.')
  return { folder, ...launched }
}

/** Writes the files and says how they are started. */
export function writeEmitted({ terminal, values }: Context, made: Emitted | undefined): void {
  if (made === undefined) return
  mkdirSync(made.folder, { recursive: true })
  for (const { name, text } of made.files) writeFileWhole(join(made.folder, name), text)
  for (const note of made.notes) terminal.say(`${terminal.err.yellow('note:')} ${note}`)
  const names = made.files.map(({ name }) => name).join(', ')
  const told = `${values.emit}: ${names} in ${made.folder}\nstart: cd ${made.folder} && ${made.command}`
  if (values.json === true) terminal.say(told)
  else terminal.print(told)
}

const problem = (where: string, message: string, next: string): UsageError => new UsageError([{ where, message, next }])
