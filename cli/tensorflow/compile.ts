import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NATIVE, nativeStamp } from '../../planner/execute/engines/tensorflow/native.ts'
import { nodeHeaders, packageFolder } from './packages.ts'
import { FARMHASH, LIBRARIES, type Place } from './place.ts'
import { runProgram } from './program.ts'
import { orRemoved, type Step } from './step.ts'

const TWENTY_MINUTES = 20 * 60_000

/** Names the version of tidemark's source that a binding was made of. */
const stampOf = ({ binding }: Place): string => `${binding}.source`

/** Compiles the package's binding together with tidemark's functions against the headers and libraries that are there. */
export const compile = (env: NodeJS.ProcessEnv): Step => ({
  title: 'compiling the binding',
  done: (place) =>
    existsSync(place.binding) && existsSync(stampOf(place)) && readFileSync(stampOf(place), 'utf8') === nativeStamp(),
  async run(place, say) {
    const compiler = env.CXX || 'g++'
    say(compiler)
    const partial = `${place.binding}.partial`
    await orRemoved(partial, async () => {
      mkdirSync(place.home, { recursive: true })
      const absent = `A C++17 compiler is needed: \`apt install g++\`, or name one with CXX.`
      const next = `Is ${compiler} a C++17 compiler? Another one is named with CXX. To fetch all anew, delete ${place.home} first.`
      await runProgram(compiler, argumentsFor(place, partial), { limitMs: TWENTY_MINUTES, next, absent, env })
      renameSync(partial, place.binding)
      writeFileSync(stampOf(place), nativeStamp())
    })
  },
})

function argumentsFor(place: Place, output: string): string[] {
  const tensorflow = join(place.site, 'tensorflow')
  const sources = join(packageFolder(place), 'binding')
  return [
    ...['-O3', '-std=c++17', '-fPIC', '-shared', '-w', '-D_GLIBCXX_USE_CXX11_ABI=1'],
    // a loop's numbers are those of the same loop in TypeScript
    ...['-fno-math-errno', '-ffp-contract=off'],
    ...['-DNAPI_VERSION=8', '-DNODE_GYP_MODULE_NAME=tfjs_binding', '-DBUILDING_NODE_EXTENSION'],
    ...[nodeHeaders(place), sources, join(tensorflow, 'include'), join(tensorflow, FARMHASH)].map((f) => `-I${f}`),
    ...[join(sources, 'tfjs_backend.cc'), join(NATIVE, 'memory.cc')],
    `-L${tensorflow}`,
    ...LIBRARIES.map((file) => `-l:${file}`),
    '-Wl,-rpath,$ORIGIN/site/tensorflow',
    ...['-o', output],
  ]
}
