import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { pythonOf } from './find.ts'
import { hasTensorflow, type Place, WHEEL } from './place.ts'
import { runProgram } from './program.ts'
import { orRemoved, type Step } from './step.ts'

/** Any interpreter's wheel will do, since nothing of it is Python's: one that all versions of the last years have. */
const TAG = ['--python-version', '3.11', '--implementation', 'cp', '--only-binary=:all:', '--no-deps']
const PLATFORMS = ['manylinux_2_17_x86_64', 'manylinux2014_x86_64', 'manylinux_2_27_x86_64'].flatMap((p) => [
  '--platform',
  p,
])

const HALF_AN_HOUR = 30 * 60_000

/** Fetches the wheel with pip, which checks it against its index. */
export const fetch = (env: NodeJS.ProcessEnv): Step => ({
  title: 'fetching TensorFlow with pip',
  fetches: true,
  done: (place) => hasTensorflow(place) || wheelIn(place) !== null,
  async run({ variant, wheel }, say) {
    const { name, version } = WHEEL[variant]
    say(`${name} ${version}`)
    const partial = `${wheel}.partial`
    await orRemoved(partial, async () => {
      mkdirSync(partial, { recursive: true })
      const args = [
        '-m',
        'pip',
        'download',
        '--quiet',
        '--disable-pip-version-check',
        ...TAG,
        ...PLATFORMS,
        '-d',
        partial,
      ]
      const next = `Is there a network, and does \`${pythonOf(env)} -m pip --version\` answer? TIDEMARK_PYTHON names another Python.`
      await runProgram(pythonOf(env), [...args, `${name}==${version}`], { limitMs: HALF_AN_HOUR, next, env })
      renameSync(partial, wheel)
    })
  },
})

/** The wheel that was fetched; null where there is none. */
export function wheelIn({ wheel }: Place): string | null {
  if (!existsSync(wheel)) return null
  const name = readdirSync(wheel).find((f) => f.endsWith('.whl'))
  return name === undefined ? null : join(wheel, name)
}
