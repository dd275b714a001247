import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const FOLDER = 'planner/execute/engines/tensorflow/native'

/** Sources of what tidemark adds to tfjs-node's binding: five folders up from here, or two from the bundle. */
export const NATIVE = [5, 2]
  .map((up) => join(fileURLToPath(new URL('.', import.meta.url)), ...Array<string>(up).fill('..'), FOLDER))
  .find((path) => existsSync(path))!

/** Names these sources: a binding that was compiled from others has other functions. */
export function nativeStamp(): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(NATIVE).sort()) hash.update(readFileSync(join(NATIVE, name)))
  return hash.digest('hex')
}
