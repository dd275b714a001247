import { readdirSync, readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** A config.json that an earlier download left on this machine. */
export interface CachedConfig {
  readonly path: string
  readonly commit: string
}

/** Where huggingface_hub keeps what it downloaded (huggingface_hub/constants.py: HF_HUB_CACHE, else HF_HOME/hub). */
export function hubCacheFolder(env: NodeJS.ProcessEnv): string {
  if (env.HF_HUB_CACHE) return env.HF_HUB_CACHE
  if (env.HUGGINGFACE_HUB_CACHE) return env.HUGGINGFACE_HUB_CACHE
  const cache = env.XDG_CACHE_HOME || join(homedir(), '.cache')
  return join(env.HF_HOME || join(cache, 'huggingface'), 'hub')
}

/** `org/name`, as repositories on the hub are called. */
export const isRepository = (name: string): boolean =>
  /^[A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95}$/.test(name) && !name.includes('..')

/** The config of a repository in the local cache: the commit of `main`, else the newest snapshot. Never the network. */
export function findInHubCache(repository: string, env: NodeJS.ProcessEnv): CachedConfig | undefined {
  const folder = join(hubCacheFolder(env), `models--${repository.replace('/', '--')}`)
  const main = commitOfMain(folder)
  const commits = [...(main === undefined ? [] : [main]), ...snapshots(folder)]
  for (const commit of commits) {
    const path = join(folder, 'snapshots', commit, 'config.json')
    if (statSync(path, { throwIfNoEntry: false })?.isFile()) return { path, commit }
  }
  return undefined
}

function commitOfMain(folder: string): string | undefined {
  try {
    const commit = readFileSync(join(folder, 'refs', 'main'), 'utf8').trim()
    return /^[\w-]{1,64}$/.test(commit) ? commit : undefined
  } catch {
    return undefined
  }
}

function snapshots(folder: string): string[] {
  const path = join(folder, 'snapshots')
  const modified = (name: string): number => statSync(join(path, name), { throwIfNoEntry: false })?.mtimeMs ?? 0
  try {
    return readdirSync(path).sort((a, b) => modified(b) - modified(a))
  } catch {
    return []
  }
}
