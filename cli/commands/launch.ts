import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { TrainingSetting } from '../../planner/result/common.ts'
import { UsageError } from '../errors.ts'
import { writeFileWhole } from '../files/write.ts'
import type { Values } from '../flags.ts'
import type { Context } from './context.ts'
import type { Prepared } from './prepared.ts'

/** Files that start a setting, made and not yet written. */
export interface Emitted {
  readonly folder: string
  readonly files: readonly { readonly name: string; readonly text: string }[]
  readonly command: string
  readonly notes: readonly string[]
}

/**
 * Checks what `--emit` needs, before anything is computed.
 *
 * @throws UsageError where the model is nothing that can be loaded, or the folder is none
 */
export function checkEmit({ found, methods: [{ setting }] }: Prepared, { emit: tool, emit_to: to }: Values): void {
  if (tool === undefined) {
    if (to === undefined) return
    throw problem('--emit-to', 'belongs to --emit', 'Say --emit peft, or leave it out.')
  }
  if (found.load === undefined) {
    const message = `writes files that load the model, and ${found.spec.name} is nothing that transformers loads`
    throw problem(`--emit ${tool}`, message, 'Give a catalog name, a repository, or the folder of a checkpoint.')
  }
  if (setting.layers !== undefined)
    throw problem(`--emit ${tool}`, 'starts the whole model; --layers cuts it', 'Leave --layers out.')
  for (const key of ['tp', 'pp'] as const)
    if (setting[key] !== undefined)
      throw problem(
        `--emit ${tool}`,
        `writes nothing that divides a model as --${key} does`,
        'Leave one of the two out.',
      )
  const there = statSync(folderOf(tool, to), { throwIfNoEntry: false })
  if (there !== undefined && !there.isDirectory())
    throw problem('--emit-to', `${folderOf(tool, to)} is no folder`, 'Give a folder.')
}

const folderOf = (tool: string, to: string | undefined): string => to ?? `launch-${tool}`

/**
 * Makes the files of `--emit` for a setting, before anything is printed. `checkEmit` has passed.
 *
 * @throws Refusal for what the tool has no words for
 */
export async function emitted(
  { found }: Prepared,
  training: TrainingSetting,
  { emit: tool, emit_to: to }: Values,
): Promise<Emitted | undefined> {
  if (tool === undefined || found.load === undefined) return undefined
  const { emit } = await import('../../reports/launch/index.ts')
  return { folder: folderOf(tool, to), ...emit(tool, { model: found.load, training }) }
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
