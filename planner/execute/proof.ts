import { Tape } from '../autograd/tape.ts'
import type { Parameter } from '../ops/ops.ts'
import { axis } from '../trace/axes.ts'
import { EngineError } from './errors.ts'
import type { Executor } from './executor.ts'

/** Throws `EngineError` where two small matrices are multiplied wrongly. */
export async function checkProduct({ primitives: p, engine }: Executor): Promise<void> {
  const two = axis('n', 2)
  const x = p.upload([1, 2, 3, 4], [two, two], 'float32')
  const y = p.product(x, x, [two, two])
  const got = [...(await engine.read(y.data))].join(' ')
  p.free(x, y)
  if (got !== '7 10 15 22') throw wrong(engine.name, `a product came out as ${got}`)
}

const [ROWS, WIDTH, CLASSES] = [axis('b', 3), axis('h', 4), axis('f', 5)]
const STEP = 1e-2
const TOLERANCE = 1e-2

/** Throws `EngineError` where the gradient of a small network is not its loss's slope along that gradient. */
export async function checkGradient(executor: Executor): Promise<void> {
  const wave = (n: number, by: number): Float32Array => Float32Array.from({ length: n }, (_, i) => Math.sin(by * i + 1))
  const x = executor.keep([ROWS, WIDTH], 'float32', 'input', wave(12, 0.7), 'x')
  const labels = executor.input('labels', [ROWS], 'int64', [0, 3, 4])
  const run = async (values: Float32Array): Promise<{ loss: number; gradient: Float32Array }> => {
    const init = { kind: 'constant', value: 0 } as const
    const weight: Parameter = {
      path: 'weight',
      axes: [CLASSES, WIDTH],
      dtype: 'float32',
      trains: true,
      index: 0,
      kind: 'parameter',
      init,
    }
    executor.materialize([weight], () => values)
    const tape = new Tape(executor)
    const { leaf } = executor.parameter(weight)
    const loss = tape.nllLoss(tape.logSoftmax(tape.silu(tape.linear(x, executor.parameter(weight)))), labels)
    tape.hold(loss)
    const value = (await executor.read(loss))[0]!
    tape.backward(loss)
    const gradient = Float32Array.from(await executor.read(leaf!.grad!))
    tape.zeroGrad(leaf!)
    tape.finish(loss)
    return { loss: value, gradient }
  }
  const weight = wave(20, 1.3)
  const { gradient } = await run(weight)
  const norm = Math.hypot(...gradient)
  const moved = (by: number): Promise<{ loss: number }> => run(weight.map((w, i) => w + (by * gradient[i]!) / norm))
  const slope = ((await moved(STEP)).loss - (await moved(-STEP)).loss) / (2 * STEP)
  if (!(Math.abs(slope / norm - 1) <= TOLERANCE)) {
    throw wrong(executor.engine.name, `a gradient of length ${norm} came out for a slope of ${slope}`)
  }
}

const wrong = (engine: string, message: string): EngineError =>
  new EngineError('wrong-numbers', engine, message, 'Its numbers are wrong: use another engine.')
