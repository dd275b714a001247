import { closeSync, fsyncSync, openSync, realpathSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { access, constants } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { RunError, UsageError } from '../errors.ts'

/** Files begun and not finished: an interrupted command removes them. */
const unfinished = new Set<string>()

/** `-o -`: the result itself goes to stdout, as where no file is named. */
export const isStdout = (path: string | undefined): boolean => path === '-'

/** Refuses a path that could not be written before the work begins. */
export async function checkOutputPath(path: string, flag: string): Promise<void> {
  const refuse = (message: string, next: string): never => {
    throw new UsageError([{ where: `${flag} ${path}`, message, next }])
  }
  if (isStdout(path)) return
  const folder = dirname(path)
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) refuse('is a folder', 'Give the path of a file.')
  const found = statSync(folder, { throwIfNoEntry: false })
  if (!found) refuse(`the folder ${folder} does not exist`, 'Make the folder first.')
  if (!found?.isDirectory()) refuse(`${folder} is not a folder`, 'Give a path inside a folder.')
  await access(folder, constants.W_OK).catch(() =>
    refuse(`no permission to write in ${folder}`, 'Choose another path.'),
  )
}

/** Writes a whole file beside its place, then renames it there: a reader sees the old one or the new one, never half. */
export function writeFileWhole(path: string, content: string | Uint8Array): void {
  const file = new OutputFile(path)
  try {
    file.write(content)
    file.finish()
  } catch (error) {
    file.abandon()
    throw error
  }
}

/** An error of the disk as one that says which file and what to do. */
function told<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new RunError(`${path} cannot be written: ${reason}`, 'Is the disk full, or the folder gone?')
  }
}

/** A file that appears under its name only when it is complete. */
export class OutputFile {
  readonly path: string
  /** Null where the path is a pipe or a device: those take the bytes themselves. */
  readonly #temporary: string | null
  readonly #target: string
  #descriptor: number | null

  constructor(path: string) {
    this.path = path
    const found = statSync(path, { throwIfNoEntry: false })
    // a link stays a link: the file behind it is what is replaced
    this.#target = found ? realpathSync(path) : path
    const whole = found === undefined || found.isFile()
    this.#temporary = whole ? join(dirname(this.#target), `.${basename(this.#target)}.${process.pid}.part`) : null
    this.#descriptor = told(path, () => openSync(this.#temporary ?? path, 'w'))
    if (this.#temporary !== null) unfinished.add(this.#temporary)
  }

  write(content: string | Uint8Array): void {
    const descriptor = this.#descriptor
    if (descriptor === null) return
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    told(this.path, () => {
      for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at)
    })
  }

  finish(): void {
    if (this.#descriptor === null) return
    if (this.#temporary !== null) fsyncSync(this.#descriptor)
    this.#close()
    if (this.#temporary === null) return
    renameSync(this.#temporary, this.#target)
    unfinished.delete(this.#temporary)
  }

  abandon(): void {
    this.#close()
    if (this.#temporary === null) return
    rmSync(this.#temporary, { force: true })
    unfinished.delete(this.#temporary)
  }

  #close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor)
    this.#descriptor = null
  }
}

/** Removes what was begun. Runs inside a signal handler, so all of it is synchronous. */
export function removeUnfinished(): void {
  for (const path of unfinished) rmSync(path, { force: true })
  unfinished.clear()
}
