import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { homeOf, MANIFEST, type Variant } from '../../planner/execute/engines/tensorflow/home.ts'

/** One version of everything, known to work together. */
export const TFJS_VERSION = '4.22.0'
export const NODE_API_HEADERS = '1.9.0'

/** The wheel that is fetched where Python has no TensorFlow. */
export const WHEEL: Readonly<Record<Variant, { readonly name: string; readonly version: string }>> = {
  // of 2.13 to 2.21 the one that passes all of tfjs-core's tests
  cpu: { name: 'tensorflow-cpu', version: '2.15.1' },
  // CUDA 12.5 and cuDNN 9, up to Hopper
  gpu: { name: 'tensorflow', version: '2.21.0' },
}

/** Bytes on the disk at most: wheel, what is unpacked, the npm package; CUDA's libraries beside it. */
export const NEEDED_BYTES: Readonly<Record<Variant, number>> = { cpu: 1.2e9, gpu: 6e9 }

/** Where the parts of an installation lie. */
export interface Place {
  readonly variant: Variant
  readonly home: string
  /** The fetched wheel, until it is unpacked. */
  readonly wheel: string
  /** What a Python would call its site-packages: `tensorflow/`, and `nvidia/` beside it, where the library looks for CUDA. */
  readonly site: string
  /** The prefix of an npm installation. */
  readonly npm: string
  readonly binding: string
  readonly manifest: string
}

export function placeOf(variant: Variant, env: NodeJS.ProcessEnv): Place {
  const home = homeOf(variant, env)
  return {
    variant,
    home,
    wheel: join(home, 'wheel'),
    site: join(home, 'site'),
    npm: join(home, 'npm'),
    binding: join(home, 'tfjs_binding.node'),
    manifest: join(home, MANIFEST),
  }
}

/** The one folder of another project that TensorFlow's own headers look into. */
export const FARMHASH = 'include/external/farmhash_archive/src'

/** The two libraries of a TensorFlow folder. */
export const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'] as const

/** Headers by whose presence a folder is known to have all: TensorFlow's C interface, and that other project's. */
const HEADERS = ['include/tensorflow/c/eager/c_api.h', `${FARMHASH}/farmhash.h`] as const

/** Files without which a binding does not compile against a TensorFlow folder, and that it lacks. */
export const lackedBy = (folder: string): string[] =>
  [...LIBRARIES, ...HEADERS].filter((file) => !existsSync(join(folder, file)))

/** Whether an installation has its TensorFlow whole: one that an earlier version of tidemark unpacked may lack headers. */
export const hasTensorflow = ({ site }: Place): boolean => lackedBy(join(site, 'tensorflow')).length === 0
