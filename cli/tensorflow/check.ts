import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { nativeStamp } from '../../planner/execute/engines/tensorflow/native.ts'
import { EngineError } from '../errors.ts'
import { writeFileWhole } from '../files/write.ts'
import { CHILD } from '../process/execute.ts'
import { probeInChild } from '../process/supervise.ts'
import { versionOf } from './find.ts'
import { type Place, TFJS_VERSION } from './place.ts'
import type { Step } from './step.ts'

/**
 * Loads what was installed in a process of its own and checks a product and a gradient there. The manifest, by which the engine is
 * found, stays only where that holds.
 */
export const check: Step = {
  title: 'checking a product and a gradient',
  done: ({ manifest }) => existsSync(manifest) && readFileSync(manifest, 'utf8').includes(nativeStamp()),
  async run(place, say) {
    const name = place.variant === 'gpu' ? 'tfjs-node-gpu' : 'tfjs-node'
    const version = versionOf(join(place.site, 'tensorflow'))
    writeFileWhole(
      place.manifest,
      `${JSON.stringify({ tensorflow: version, tfjs: TFJS_VERSION, source: nativeStamp() })}\n`,
    )
    try {
      const probe = await probeInChild(CHILD, name)
      if (!probe.ok) throw new EngineError(probe.why, probe.next)
      say(`${probe.device}: ${probe.gflops.toFixed(0)} GFLOP/s`)
    } catch (error) {
      rmSync(place.manifest, { force: true })
      throw error
    }
  },
}

/** Whether an installation is there that this version of tidemark made. */
export const isInstalled = (place: Place): boolean => check.done(place)
