import { EngineError, type Problem, UsageError } from './errors.ts'
import type { Values } from './flags.ts'

export type Engine = 'wasm' | 'cpu'

/** What can run a step here, and what cannot yet. */
export const ENGINES = [
  { name: 'wasm', available: true, note: 'tfjs on WebAssembly: the default' },
  { name: 'cpu', available: true, note: 'tfjs in plain JavaScript: slow, for checking' },
  { name: 'tfjs-node', available: false, note: 'not supported yet' },
  { name: 'tfjs-node-gpu', available: false, note: 'not supported yet' },
  { name: 'webgpu', available: false, note: 'not supported yet' },
] as const

/** The engine that was asked for. @throws EngineError where it is not there */
export function chooseEngine(name: Values['engine']): Engine {
  if (name === undefined || name === 'auto' || name === 'wasm') return 'wasm'
  if (name === 'cpu') return 'cpu'
  throw new EngineError(
    `the engine ${name} is not supported yet`,
    'Say --engine wasm or --engine cpu; `tidemark engines list` shows all.',
  )
}

/** An engine computes in float32 with attention written out: anything else that was asked for by name is refused. */
export function refuseWhatEnginesLack(values: Values, engine: Engine, placeOf: (flag: string) => string): void {
  const problems: Problem[] = []
  if (values.dtype !== undefined && values.dtype !== 'float32') {
    const message = `is ${values.dtype}; the ${engine} engine computes in float32`
    problems.push({ where: placeOf('--dtype'), message, next: 'Say --dtype float32, or estimate for a PyTorch stack.' })
  }
  if (values.autocast !== undefined && values.autocast !== 'none') {
    const message = `is ${values.autocast}; the ${engine} engine computes in float32`
    problems.push({ where: placeOf('--autocast'), message, next: 'Leave it out.' })
  }
  if (values.attention !== undefined && values.attention !== 'eager') {
    const message = `is ${values.attention}; the ${engine} engine writes attention out, as eager does`
    problems.push({ where: placeOf('--attention'), message, next: 'Say --attention eager.' })
  }
  const elsewhere = [
    [
      '--gradient-checkpointing',
      values.gradient_checkpointing !== undefined && values.gradient_checkpointing !== 'none',
    ],
    ['--padding', values.padding === true],
    ['--quantize', values.quantize !== undefined && values.quantize !== 'none'],
    ['--method', values.method?.startsWith('qlora') === true],
  ] as const
  for (const [flag, asked] of elsewhere) {
    const message = `is not executed by the ${engine} engine yet`
    if (asked) problems.push({ where: placeOf(flag), message, next: 'Leave it out, or estimate for a PyTorch stack.' })
  }
  if (problems.length > 0) throw new UsageError(problems)
}
