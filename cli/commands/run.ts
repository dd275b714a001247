import type { RunResult } from '../../planner/result/run.ts'
import type { EngineName } from '../../planner/trace/engine-names.ts'
import { candidatesFor, fastestThatHolds, refuseWhatEnginesLack } from '../engines.ts'
import { bytesIn } from '../output/numbers.ts'
import { runText } from '../output/run.ts'
import { execute } from '../process/execute.ts'
import type { Run } from '../usage/command.ts'
import { toolVersion } from '../version.ts'
import { warningsFor } from '../warnings.ts'
import { textArgument } from './arguments.ts'
import { contextOf, pageOf, requireModel } from './context.ts'
import { checkOutputs, emit, tell, writeReport } from './emit.ts'
import { outcomeOf, requireRightStep } from './outcome.ts'
import { prepare } from './prepare.ts'
import { inputOf } from './prepared.ts'
import { requestOf } from './request.ts'

export const run: Run = async (args, raw, flags) => {
  const context = await contextOf(raw, flags, 'run', textArgument(args, 'model'))
  const { values, terminal } = context
  const candidates = await candidatesFor(values.engine)
  const [first] = candidates
  refuseWhatEnginesLack(values, first, context.placeOf)
  await checkOutputs(context)
  const model = requireModel(context, 'run')
  const prepareOn = (engine: EngineName) => prepare(model, context, [values.method], { env: terminal.env, engine })
  const trial = await prepareOn(first)
  const runs = trial.methods.map(({ train }) => ({ model: trial.found.spec, train }))
  const engine = await fastestThatHolds(candidates, runs, context.typed)
  // what is assumed names the engine
  const prepared = engine === first ? trial : await prepareOn(engine)
  const [method] = prepared.methods
  const request = await requestOf(model, prepared, method, engine, values)
  const label = `${prepared.found.spec.name} ${method.method}`
  const executed = await execute(request, { terminal, label, trace: values.trace, layers: values.layers })
  requireRightStep(executed, method.method)
  const result: RunResult = {
    schema: 'tidemark/run@1',
    tool: { name: 'tidemark', version: toolVersion() },
    command: context.typed,
    input: { ...inputOf(prepared, executed.stack), training: { ...method.setting, seed: request.seed } },
    result: {
      engine: executed.engine,
      predicted_hash: executed.predicted_hash,
      tiers: executed.measured.tiers,
      executed,
    },
    warnings: [...prepared.warnings, ...warningsFor(method.train, executed.predicted, bytesIn(values.unit), null)],
  }
  const about = {
    model: prepared.found.spec.name,
    parameters: executed.predicted.parameters.total - method.adapted.added,
    setting: executed.training,
    adapted: method.adapted,
    on: executed.stack,
  }
  emit(context, result, () => runText(executed, about, pageOf(context)))
  tell(context, result.input.assumptions, result.warnings)
  await writeReport(context, result, null)
  return outcomeOf([executed])
}
