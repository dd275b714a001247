import { ENGINE_TABLE } from '../planner/execute/engines/table.ts'
import type { EngineName } from '../planner/trace/engine-names.ts'
import { EngineError, type Problem, UsageError } from './errors.ts'
import type { Values } from './flags.ts'

/** The engine that was asked for. @throws EngineError where it is not there */
export async function chooseEngine(name: Values['engine']): Promise<EngineName> {
  if (name === undefined || name === 'auto') return 'wasm'
  const { missing, install } = ENGINE_TABLE[name]
  const why = await missing()
  if (why === null) return name
  const next = install === null ? 'Say --engine wasm or --engine cpu' : `Type \`${install}\``
  throw new EngineError(`the engine ${name} is not there: ${why}`, `${next}; \`tidemark engines list\` shows all.`)
}

/** An engine computes in float32: another type that was asked for by name is refused, and packed weights. */
export function refuseWhatEnginesLack(values: Values, engine: EngineName, placeOf: (flag: string) => string): void {
  const problems: Problem[] = []
  if (values.dtype !== undefined && values.dtype !== 'float32') {
    const message = `is ${values.dtype}; the ${engine} engine computes in float32`
    problems.push({ where: placeOf('--dtype'), message, next: 'Say --dtype float32, or estimate for a PyTorch stack.' })
  }
  if (values.autocast !== undefined && values.autocast !== 'none') {
    const message = `is ${values.autocast}; the ${engine} engine computes in float32`
    problems.push({ where: placeOf('--autocast'), message, next: 'Leave it out.' })
  }
  const elsewhere = [
    ['--quantize', values.quantize !== undefined && values.quantize !== 'none'],
    ['--method', values.method?.startsWith('qlora') === true],
  ] as const
  for (const [flag, asked] of elsewhere) {
    const message = `is not executed by the ${engine} engine yet`
    if (asked) problems.push({ where: placeOf(flag), message, next: 'Leave it out, or estimate for a PyTorch stack.' })
  }
  if (problems.length > 0) throw new UsageError(problems)
}
