import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { type Problem, UsageError } from '../errors.ts'

export interface ReadOptions {
  /** Most bytes that are read; a larger file is refused by its size. */
  readonly limit: number
  /** What the file should be: `a model`, `a setting`. */
  readonly what: string
  /** What errors put before the path. */
  readonly flag: string
}

type Refuse = (message: string, next: string) => never

const refuser =
  (where: string): Refuse =>
  (message, next) => {
    throw new UsageError([{ where, message, next } satisfies Problem])
  }

/** Reads a UTF-8 file of a person, within a limit. @throws UsageError with what, where and what to do next */
export const readTextFile = async (path: string, options: ReadOptions): Promise<string> =>
  decodeText(await readFileBytes(path, options), path)

/** Reads a file of a person as it is, within a limit. @throws UsageError with what, where and what to do next */
export async function readFileBytes(path: string, options: ReadOptions): Promise<Uint8Array> {
  const refuse = refuser(path)
  let file: FileHandle
  try {
    file = await open(path, constants.O_RDONLY)
  } catch (error) {
    return refuse(whyNot(error), `Give the path of ${options.what}.`)
  }
  try {
    const { size } = await file.stat()
    if (size > options.limit) return refuse(tooLarge(size, options.limit), `Give the path of ${options.what}.`)
    return await readAtMost(file.createReadStream({ autoClose: false }), options.limit, refuse)
  } catch (error) {
    if (error instanceof UsageError) throw error
    return refuse(whyNot(error), `Give the path of ${options.what}.`)
  } finally {
    await file.close()
  }
}

/** Reads standard input to its end, within a limit. */
export const readStandardInput = async (limit: number): Promise<string> =>
  decodeText(await readStandardBytes(limit), '-')

/** Reads standard input to its end as it is, within a limit. */
export const readStandardBytes = (limit: number): Promise<Uint8Array> => readAtMost(process.stdin, limit, refuser('-'))

/** A pipe has no size beforehand: stop at the first byte too many. */
async function readAtMost(stream: AsyncIterable<Uint8Array>, limit: number, refuse: Refuse): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of stream) {
    size += chunk.length
    if (size > limit) return refuse(tooLarge(undefined, limit), 'Give a config.json or a description.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function decodeText(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return refuser(where)('is not text in UTF-8', 'Give a JSON or YAML file.')
  }
}

const tooLarge = (size: number | undefined, limit: number): string =>
  `has ${size === undefined ? `more than ${limit}` : size} bytes; expected at most ${limit} (${limit / 1024 / 1024} MiB)`

function whyNot(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such file'
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read: no permission'
  if (code === 'EISDIR') return 'is a folder'
  return `cannot be read (${String(code ?? error)})`
}

/** The first bytes of a file, and how long it is; a shorter file is read whole. @throws UsageError */
export async function readStart(path: string, bytes: number, from = 0): Promise<{ start: Uint8Array; size: number }> {
  try {
    const file = await open(path, constants.O_RDONLY)
    try {
      const { size } = await file.stat()
      const buffer = new Uint8Array(Math.max(0, Math.min(bytes, size - from)))
      const { bytesRead } = await file.read(buffer, 0, buffer.length, from)
      return { start: buffer.subarray(0, bytesRead), size }
    } finally {
      await file.close()
    }
  } catch (error) {
    throw new UsageError([{ where: path, message: whyNot(error), next: 'Give the path of a checkpoint.' }])
  }
}
