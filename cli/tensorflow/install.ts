import { mkdirSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import type { Variant } from '../../planner/execute/engines/tensorflow/home.ts'
import { EngineError, RunError } from '../errors.ts'
import { check } from './check.ts'
import { compile } from './compile.ts'
import { cuda } from './cuda.ts'
import { fetch } from './fetch.ts'
import { find } from './find.ts'
import { packages } from './packages.ts'
import { NEEDED_BYTES, type Place, placeOf } from './place.ts'
import type { Step } from './step.ts'
import { unpack } from './unpack.ts'

/** The steps of an installation in their order. */
const stepsOf = (env: NodeJS.ProcessEnv): readonly Step[] => [
  find(env),
  fetch(env),
  unpack,
  packages,
  cuda(env),
  compile(env),
  check,
]

/**
 * Sets tfjs-node up on a current TensorFlow in the user's cache. What is there already is not done again.
 *
 * @throws EngineError where this machine cannot have it, RunError where a step fails
 */
export async function installTensorflow(
  variant: Variant,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<Place> {
  const { platform, arch } = process
  if (platform !== 'linux' || arch !== 'x64') {
    const message = `TensorFlow's wheel is set up on Linux x86_64 only, and this is ${platform} ${arch}`
    throw new EngineError(
      message,
      'Where `npm install @tensorflow/tfjs-node` works beside your project, tidemark takes that.',
    )
  }
  const place = placeOf(variant, env)
  const left = stepsOf(env).filter((step) => !step.done(place))
  if (left.length === 0) {
    say(`nothing to do: it is in ${place.home}`)
    return place
  }
  if (left.some((step) => step.fetches)) await requireRoom(place, say)
  for (const step of stepsOf(env)) {
    if (step.done(place)) continue
    await step.run(place, (line) => say(`${step.title}: ${line}`))
  }
  return place
}

/** @throws RunError where the disk has less than it takes */
async function requireRoom({ home, variant }: Place, say: (line: string) => void): Promise<void> {
  mkdirSync(home, { recursive: true })
  const { bavail, bsize } = await statfs(home)
  const [needed, free] = [NEEDED_BYTES[variant] / 1e9, (bavail * bsize) / 1e9]
  say(`takes up to ${needed} GB in ${home}`)
  if (free < needed)
    throw new RunError(`the disk has ${free.toFixed(1)} GB free`, 'Set XDG_CACHE_HOME to a larger one.')
}
