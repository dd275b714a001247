import type { MethodResult } from '../../planner/result/compare.ts'
import type { Executed } from '../../planner/result/run.ts'
import { candidatesFor, fastestThatHolds } from '../engines.ts'
import { methodName } from '../output/names.ts'
import { execute } from '../process/execute.ts'
import type { Context } from './context.ts'
import { requireRightStep } from './outcome.ts'
import type { Prepared } from './prepared.ts'
import { requestOf } from './request.ts'

/** Runs the methods one after another, each in its own process: two at once would share the machine's memory. */
export async function executedMethods(
  model: string,
  context: Context,
  prepared: Prepared,
  methods: readonly MethodResult[],
): Promise<MethodResult[]> {
  const { values, terminal } = context
  const runs = prepared.methods.map(({ train }) => ({ model: prepared.found.spec, train }))
  const engine = await fastestThatHolds(await candidatesFor(values.engine), runs, context.typed)
  terminal.say(`--run executes in float32 on ${engine}; its prediction stands beside what it measured`)
  const run: MethodResult[] = []
  for (const [i, method] of prepared.methods.entries()) {
    const { estimate } = methods[i]!
    const request = await requestOf(model, prepared, method, engine, values)
    const label = `${prepared.found.spec.name} ${methodName(method.method)} on ${engine}`
    const executed: Executed = await execute(request, { terminal, label, trace: undefined, layers: values.layers })
    requireRightStep(executed, method.method)
    run.push({ method: method.method, estimate, executed })
  }
  return run
}
