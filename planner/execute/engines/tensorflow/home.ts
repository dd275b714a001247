import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { nativeStamp } from './native.ts'

/** Which of tfjs's two packages: TensorFlow on the processor, or with CUDA. */
export type Variant = 'cpu' | 'gpu'

export const PACKAGE_OF: Readonly<Record<Variant, string>> = {
  cpu: '@tensorflow/tfjs-node',
  gpu: '@tensorflow/tfjs-node-gpu',
}

/** What an installation is: tidemark's own, or a stock one of npm that has its binary. */
export interface Installation {
  readonly origin: 'tidemark' | 'npm'
  readonly variant: Variant
  /** The folder of the npm package. */
  readonly package: string
  /** The compiled binding. */
  readonly binding: string
  /** The TensorFlow beside it, where it is known. */
  readonly tensorflow: string | null
  /** Whether the binding was compiled from the sources of this version of tidemark; a stock one always counts. */
  readonly current: boolean
}

/** Written last by `tidemark engines install`, so that what has one is complete. */
export const MANIFEST = 'installed.json'

/** tidemark's folder in the user's cache: `TIDEMARK_CACHE`, else `tidemark` in `XDG_CACHE_HOME` or `~/.cache`. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.TIDEMARK_CACHE) return env.TIDEMARK_CACHE
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tidemark')
}

/** Where a variant is installed, there or not. */
export const homeOf = (variant: Variant, env: NodeJS.ProcessEnv = process.env): string =>
  join(cacheFolder(env), 'tensorflow', variant)

/** tidemark's own installation first, then a stock one that the working folder resolves; null where there is neither. */
export function findInstallation(variant: Variant, env: NodeJS.ProcessEnv = process.env): Installation | null {
  return ownInstallation(variant, env) ?? stockInstallation(variant)
}

function ownInstallation(variant: Variant, env: NodeJS.ProcessEnv): Installation | null {
  const home = homeOf(variant, env)
  const manifest = join(home, MANIFEST)
  if (!existsSync(manifest)) return null
  const { tensorflow, source } = manifestOf(readFileSync(manifest, 'utf8'))
  return {
    origin: 'tidemark',
    variant,
    package: join(home, 'npm', 'node_modules', PACKAGE_OF[variant]),
    binding: join(home, 'tfjs_binding.node'),
    tensorflow: typeof tensorflow === 'string' ? tensorflow : null,
    current: source === nativeStamp(),
  }
}

/** A manifest's entries; none where it is damaged. */
function manifestOf(text: string): { readonly tensorflow?: unknown; readonly source?: unknown } {
  try {
    const found: unknown = JSON.parse(text)
    return found !== null && typeof found === 'object' ? found : {}
  } catch {
    return {}
  }
}

/** Why a variant cannot be loaded here; null where it seems to be there. */
export function whyMissing(variant: Variant, env: NodeJS.ProcessEnv = process.env): string | null {
  const installation = findInstallation(variant, env)
  if (installation === null) return 'not installed'
  return installation.current ? null : 'its binding was compiled by another version of tidemark'
}

/** Node-API versions that tfjs-node 4.22 publishes a binary for, newest first. */
const NODE_API = [8, 7, 6, 5, 4, 3]

function stockInstallation(variant: Variant): Installation | null {
  const from = createRequire(join(process.cwd(), 'package.json'))
  try {
    const folder = dirname(from.resolve(`${PACKAGE_OF[variant]}/package.json`))
    const binding = NODE_API.map((n) => join(folder, 'lib', `napi-v${n}`, 'tfjs_binding.node')).find((f) =>
      existsSync(f),
    )
    return binding === undefined
      ? null
      : { origin: 'npm', variant, package: folder, binding, tensorflow: null, current: true }
  } catch {
    return null
  }
}
