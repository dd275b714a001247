import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Variant } from '../../planner/execute/engines/tensorflow/home.ts'
import { hasTensorflow, lackedBy } from './place.ts'
import { runProgram } from './program.ts'
import { orRemoved, type Step } from './step.ts'

/** A TensorFlow that Python has. */
export interface Found {
  /** `…/site-packages/tensorflow` */
  readonly folder: string
  readonly version: string
  readonly cuda: boolean
}

/** Finds the package without importing it, which would take seconds and may fail. */
const ASK = `
import importlib.util, json, os
spec = importlib.util.find_spec('tensorflow')
print(json.dumps(list(spec.submodule_search_locations)[0] if spec and spec.submodule_search_locations else None))
`

/** Oldest minor version of 2 whose library carries the C interface that the binding uses, and the newest that was tried. */
const [OLDEST, NEWEST] = [13, 21]

/** The TensorFlow of `python3` (or of `TIDEMARK_PYTHON`) where it is one that will do; null otherwise. */
export async function findTensorflow(variant: Variant, env: NodeJS.ProcessEnv): Promise<Found | null> {
  const answer = await runProgram(pythonOf(env), ['-c', ASK], { limitMs: 30_000, next: '', env }).catch(() => 'null')
  const folder: unknown = JSON.parse(answer.trim() || 'null')
  if (typeof folder !== 'string' || lackedBy(folder).length > 0) return null
  const version = versionOf(folder)
  const minor = Number(/^2\.(\d+)\./.exec(version)?.[1] ?? 0)
  const cuda = /["']is_cuda_build["']\s*:\s*True/.test(textOf(join(folder, 'python/platform/build_info.py')))
  if (minor < OLDEST || minor > NEWEST || (variant === 'gpu' && !cuda)) return null
  return { folder, version, cuda }
}

export const pythonOf = (env: NodeJS.ProcessEnv): string => env.TIDEMARK_PYTHON || 'python3'

/** The version that a TensorFlow's own headers state; empty where they state none. */
export function versionOf(folder: string): string {
  const headers = ['version.h', 'release_version.h'].map((h) =>
    textOf(join(folder, 'include/tensorflow/core/public', h)),
  )
  const parts = ['MAJOR', 'MINOR', 'PATCH'].map(
    (part) => new RegExp(`#define TF_${part}_VERSION\\s+(\\d+)`).exec(headers.join('\n'))?.[1],
  )
  return parts.every((p) => p !== undefined) ? parts.join('.') : ''
}

const textOf = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '')

/** Links what Python has in the place of an unpacked wheel. */
export const find = (env: NodeJS.ProcessEnv): Step => ({
  title: "looking for Python's TensorFlow",
  done: hasTensorflow,
  async run({ variant, site }, say) {
    // what lacks a part is of no use, nor is a link to what is gone
    rmSync(site, { recursive: true, force: true })
    const found = await findTensorflow(variant, env)
    if (found === null) return
    say(`TensorFlow ${found.version} in ${dirname(found.folder)}`)
    const partial = `${site}.partial`
    await orRemoved(partial, async () => {
      mkdirSync(partial, { recursive: true })
      symlinkSync(found.folder, join(partial, 'tensorflow'))
      const nvidia = join(dirname(found.folder), 'nvidia')
      if (existsSync(nvidia)) symlinkSync(nvidia, join(partial, 'nvidia'))
      renameSync(partial, site)
    })
  },
})
