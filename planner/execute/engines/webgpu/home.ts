import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { cacheFolder, MANIFEST } from '../tensorflow/home.ts'

/** Dawn for node, and tfjs's backend on it. */
export const PACKAGES = ['webgpu', '@tensorflow/tfjs-backend-webgpu'] as const

/** Where the two packages are found. */
export interface WebgpuInstallation {
  readonly origin: 'tidemark' | 'npm'
  /** A file in whose folder they resolve. */
  readonly from: string
}

/** tidemark's folder for it in the user's cache, there or not. */
export const webgpuHome = (env: NodeJS.ProcessEnv = process.env): string => join(cacheFolder(env), 'webgpu')

/** tidemark's own installation first, then packages that the working folder resolves; null where there is neither. */
export function findWebgpu(env: NodeJS.ProcessEnv = process.env): WebgpuInstallation | null {
  const home = webgpuHome(env)
  if (existsSync(join(home, MANIFEST))) return { origin: 'tidemark', from: join(home, 'npm', 'package.json') }
  const from = join(process.cwd(), 'package.json')
  const { resolve } = createRequire(from)
  try {
    for (const name of PACKAGES) resolve(name)
    return { origin: 'npm', from }
  } catch {
    return null
  }
}
