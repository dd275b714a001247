import type { InspectResult } from '../../planner/result/inspect.ts'
import { EXIT } from '../errors.ts'
import type { Run } from '../usage/command.ts'
import { toolVersion } from '../version.ts'
import { textArgument } from './arguments.ts'
import { contextOf, pageOf } from './context.ts'
import { checkOutputs, emit, tell } from './emit.ts'

export const run: Run = async (args, raw, flags) => {
  const context = await contextOf(raw, flags, 'inspect')
  await checkOutputs(context)
  // readers of snapshots and logs are loaded only here
  const { inspectFile, inspectText } = await import('../inspect/index.ts')
  const { body, plan, warnings } = await inspectFile(textArgument(args, 'measured'), context, context.terminal.env)
  const result: InspectResult = {
    schema: 'tidemark/inspect@1',
    tool: { name: 'tidemark', version: toolVersion() },
    command: context.typed,
    input: plan.input,
    result: body,
    warnings,
  }
  emit(context, result, () => inspectText(body, plan.header, pageOf(context)))
  tell(context, result.input.assumptions, result.warnings)
  return body.within ? EXIT.done : EXIT.outsideTolerance
}
