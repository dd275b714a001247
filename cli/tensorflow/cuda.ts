import { existsSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { pythonOf } from './find.ts'
import { runProgram } from './program.ts'
import { orRemoved, type Step } from './step.ts'

/** What `tensorflow[and-cuda]` 2.21 asks for: its library looks for them in `nvidia/` beside it. */
const REQUIREMENTS = [
  'nvidia-cublas-cu12>=12.5.3.2,<13',
  'nvidia-cuda-cupti-cu12>=12.5.82,<13',
  'nvidia-cuda-nvcc-cu12>=12.5.82,<13',
  'nvidia-cuda-nvrtc-cu12>=12.5.82,<13',
  'nvidia-cuda-runtime-cu12>=12.5.82,<13',
  'nvidia-cudnn-cu12>=9.3.0.75,<10',
  'nvidia-cufft-cu12>=11.2.3.61,<12',
  'nvidia-curand-cu12>=10.3.6.82,<11',
  'nvidia-cusolver-cu12>=11.6.3.83,<12',
  'nvidia-cusparse-cu12>=12.5.1.3,<13',
  'nvidia-nccl-cu12>=2.27.7,<3',
  'nvidia-nvjitlink-cu12>=12.5.82,<13',
]

const AN_HOUR = 60 * 60_000

/** Fetches CUDA's libraries with pip, beside the unpacked TensorFlow. */
export const cuda = (env: NodeJS.ProcessEnv): Step => ({
  title: "fetching CUDA's libraries with pip",
  fetches: true,
  done: ({ variant, site }) => variant === 'cpu' || existsSync(join(site, 'nvidia')),
  async run({ site }, say) {
    say(`${REQUIREMENTS.length} packages, about 3 GB`)
    const partial = `${site}.cuda.partial`
    await orRemoved(partial, async () => {
      const args = [
        '-m',
        'pip',
        'install',
        '--quiet',
        '--disable-pip-version-check',
        '--no-deps',
        '--only-binary=:all:',
      ]
      const next = 'Is there a network, and room on the disk?'
      await runProgram(pythonOf(env), [...args, '--target', partial, ...REQUIREMENTS], { limitMs: AN_HOUR, next, env })
      if (!readdirSync(partial).includes('nvidia')) throw new Error('pip brought no nvidia folder')
      renameSync(join(partial, 'nvidia'), join(site, 'nvidia'))
    })
  },
})
