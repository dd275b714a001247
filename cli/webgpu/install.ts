import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { MANIFEST } from '../../planner/execute/engines/tensorflow/home.ts'
import { PACKAGES, webgpuHome } from '../../planner/execute/engines/webgpu/home.ts'
import { EngineError } from '../errors.ts'
import { writeFileWhole } from '../files/write.ts'
import { CHILD } from '../process/execute.ts'
import { probeInChild } from '../process/supervise.ts'
import { TFJS_VERSION } from '../tensorflow/place.ts'
import { runProgram } from '../tensorflow/program.ts'
import { orRemoved } from '../tensorflow/step.ts'

/** Dawn, tfjs's backend on it, and the core that npm would otherwise choose a version of. */
const WANTED = [
  'webgpu@0.6.2',
  `@tensorflow/tfjs-backend-webgpu@${TFJS_VERSION}`,
  `@tensorflow/tfjs-core@${TFJS_VERSION}`,
]
const NEEDED = '0.25 GB'

const TEN_MINUTES = 10 * 60_000

/**
 * Puts Dawn and tfjs's backend on it into the user's cache and has a process of its own compute on the adapter. The manifest, by which
 * the engine is found, stays only where that holds. Gives the folder.
 *
 * @throws RunError where npm fails, EngineError where no adapter will do
 */
export async function installWebgpu(env: NodeJS.ProcessEnv, say: (line: string) => void): Promise<string> {
  const home = webgpuHome(env)
  const [npm, manifest] = [join(home, 'npm'), join(home, MANIFEST)]
  const stamp = `${JSON.stringify({ packages: WANTED })}\n`
  if (existsSync(manifest) && readFileSync(manifest, 'utf8') === stamp) {
    say(`nothing to do: it is in ${home}`)
    return home
  }
  if (!PACKAGES.every((name) => existsSync(join(npm, 'node_modules', name)))) {
    say(`takes up to ${NEEDED} in ${home}`)
    say(`fetching with npm: ${WANTED.join(', ')}`)
    await fetchPackages(npm)
  }
  say('checking a product and a gradient')
  writeFileWhole(manifest, stamp)
  try {
    const probe = await probeInChild(CHILD, 'webgpu')
    if (!probe.ok) throw new EngineError(probe.why, probe.next)
    say(`${probe.device}: ${probe.gflops.toFixed(1)} GFLOP/s`)
  } catch (error) {
    rmSync(manifest, { force: true })
    throw error
  }
  return home
}

/** The native libraries are in the package itself: no script of it has to run. */
function fetchPackages(npm: string): Promise<void> {
  const partial = `${npm}.partial`
  return orRemoved(partial, async () => {
    mkdirSync(partial, { recursive: true })
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-save', '--loglevel=error']
    const next = 'Is there a network, and does `npm ping` answer?'
    await runProgram('npm', [...args, '--prefix', partial, ...WANTED], { limitMs: TEN_MINUTES, next })
    rmSync(npm, { recursive: true, force: true })
    renameSync(partial, npm)
  })
}
