import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { PACKAGE_OF } from '../../planner/execute/engines/tensorflow/home.ts'
import { NODE_API_HEADERS, type Place, TFJS_VERSION } from './place.ts'
import { runProgram } from './program.ts'
import { orRemoved, type Step } from './step.ts'

/** The folder of the npm package, and the headers of Node-API. */
export const packageFolder = ({ npm, variant }: Place): string => join(npm, 'node_modules', PACKAGE_OF[variant])
export const nodeHeaders = ({ npm }: Place): string => join(npm, 'node_modules', 'node-api-headers', 'include')

const TEN_MINUTES = 10 * 60_000

/** Fetches tfjs-node without its install script, which would download another TensorFlow. */
export const packages: Step = {
  title: 'fetching tfjs-node with npm',
  fetches: true,
  done: (place) =>
    existsSync(join(packageFolder(place), 'binding', 'tfjs_backend.cc')) && existsSync(nodeHeaders(place)),
  async run({ npm, variant }, say) {
    const wanted = [`${PACKAGE_OF[variant]}@${TFJS_VERSION}`, `node-api-headers@${NODE_API_HEADERS}`]
    say(wanted.join(', '))
    const partial = `${npm}.partial`
    await orRemoved(partial, async () => {
      mkdirSync(partial, { recursive: true })
      const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-save', '--loglevel=error']
      const next = 'Is there a network, and does `npm ping` answer?'
      await runProgram('npm', [...args, '--prefix', partial, ...wanted], { limitMs: TEN_MINUTES, next })
      renameSync(partial, npm)
    })
  },
}
