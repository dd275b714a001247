import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeHeaders, packageFolder } from './packages.ts'
import { FARMHASH, LIBRARIES, type Place } from './place.ts'
import { runProgram } from './program.ts'
import { orRemoved, type Step } from './step.ts'

/** What tidemark adds to the binding: beside the sources of the package, three folders up from here or two from the bundle. */
const ADDED = ['../../../cli/tensorflow/native/memory.cc', '../../cli/tensorflow/native/memory.cc']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path))

const TWENTY_MINUTES = 20 * 60_000

/** Names the version of tidemark's source that a binding was made of. */
const stampOf = ({ binding }: Place): string => `${binding}.source`
export const stamp = (): string => createHash('sha256').update(readFileSync(ADDED!)).digest('hex')

/** Compiles the package's binding together with tidemark's functions against the headers and libraries that are there. */
export const compile = (env: NodeJS.ProcessEnv): Step => ({
  title: 'compiling the binding',
  done: (place) =>
    existsSync(place.binding) && existsSync(stampOf(place)) && readFileSync(stampOf(place), 'utf8') === stamp(),
  async run(place, say) {
    const compiler = env.CXX || 'g++'
    say(compiler)
    const partial = `${place.binding}.partial`
    await orRemoved(partial, async () => {
      mkdirSync(place.home, { recursive: true })
      const next = `A C++17 compiler is needed: \`apt install g++\`, or name one with CXX.`
      await runProgram(compiler, argumentsFor(place, partial), { limitMs: TWENTY_MINUTES, next, env })
      renameSync(partial, place.binding)
      writeFileSync(stampOf(place), stamp())
    })
  },
})

function argumentsFor(place: Place, output: string): string[] {
  const tensorflow = join(place.site, 'tensorflow')
  const sources = join(packageFolder(place), 'binding')
  return [
    ...['-O2', '-std=c++17', '-fPIC', '-shared', '-w', '-D_GLIBCXX_USE_CXX11_ABI=1'],
    ...['-DNAPI_VERSION=8', '-DNODE_GYP_MODULE_NAME=tfjs_binding', '-DBUILDING_NODE_EXTENSION'],
    ...[nodeHeaders(place), sources, join(tensorflow, 'include'), join(tensorflow, FARMHASH)].map((f) => `-I${f}`),
    ...[join(sources, 'tfjs_backend.cc'), ADDED!],
    `-L${tensorflow}`,
    ...LIBRARIES.map((file) => `-l:${file}`),
    '-Wl,-rpath,$ORIGIN/site/tensorflow',
    ...['-o', output],
  ]
}
