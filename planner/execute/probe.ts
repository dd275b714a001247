import type { EngineName } from './engines/engine.ts'
import { loadEngine } from './engines/load.ts'
import { EngineError } from './errors.ts'
import { Executor } from './executor.ts'
import { checkGradient, checkProduct } from './proof.ts'

/** Whether an engine runs here: its version, limits and speed, or why not and what to do. */
export type Probe =
  | {
      readonly name: EngineName
      readonly ok: true
      readonly version: string
      /** What it computes on. */
      readonly device: string
      /** Bytes it can hold; null where only the machine's memory limits. */
      readonly limitBytes: number | null
      /** Of an untransposed float32 product of two square matrices. */
      readonly gflops: number
    }
  | {
      readonly name: EngineName
      readonly ok: false
      readonly code: string
      readonly why: string
      readonly next: string
    }

/** Loads an engine, checks a product and a gradient on it, and multiplies large matrices against the clock. */
export async function probe(name: EngineName): Promise<Probe> {
  try {
    const executor = new Executor({ engine: await loadEngine(name), seed: 0, sink: () => undefined })
    const { engine } = executor
    try {
      await checkProduct(executor)
      await checkGradient(executor)
      const gflops = await productRate(executor)
      return { name, ok: true, version: engine.version, device: engine.device, limitBytes: engine.limitBytes, gflops }
    } finally {
      executor.close()
      engine.close()
    }
  } catch (e) {
    if (!(e instanceof EngineError)) throw e
    return { name, ok: false, code: e.code, why: e.message, next: e.next }
  }
}

/** A measurement is long enough where it takes this long; a slow engine gets the smaller matrices only. */
const LONG_ENOUGH_MS = 100

/** Billions of multiplications and additions a second, of the largest matrices that were tried. */
async function productRate({ primitives: p, engine }: Executor): Promise<number> {
  let rate = 0
  for (const size of [128, 256, 512, 1024]) {
    const n = { name: 'n', size }
    const x = p.upload(new Float32Array(size * size).fill(1), [n, n], 'float32')
    let best = Number.POSITIVE_INFINITY
    // The first one pays for what is set up once.
    for (let i = 0; i < 3; i++) {
      const started = performance.now()
      const y = p.product(x, x, [n, n])
      await engine.read(y.data)
      best = Math.min(best, performance.now() - started)
      p.free(y)
    }
    p.free(x)
    rate = (2 * size ** 3) / best / 1e6
    if (best > LONG_ENOUGH_MS) break
  }
  return rate
}
