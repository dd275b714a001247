import { inspectRun, inspectTotals } from '../../planner/inspect/index.ts'
import type { InspectBody, InspectResult } from '../../planner/result/inspect.ts'
import { EXIT } from '../errors.ts'
import { OUTPUT_FLAGS, SETTING_FLAGS } from '../flags.ts'
import { type Measured, readMeasured } from '../model/measured.ts'
import { type FoundPlan, findPlan } from '../model/plan.ts'
import { inspectText } from '../output/inspect.ts'
import { bytesIn } from '../output/numbers.ts'
import { toolVersion } from '../version.ts'
import { type Command, textArgument } from './command.ts'
import { contextOf, pageOf } from './context.ts'
import { checkOutputs, emit, tell } from './emit.ts'

export const inspect: Command = {
  usage: 'inspect <measured>',
  describe: 'A measured run beside its plan: which term differs, and why',
  flags: ['plan', 'method', ...SETTING_FLAGS, 'gpu', 'unit', ...OUTPUT_FLAGS],
  positionals: {
    measured: {
      describe:
        "A snapshot of torch.cuda.memory._dump_snapshot, a trace, a Trainer's all_results.json, a CSV log of nvidia-smi, or a size: 23.4GiB",
    },
  },
  examples: [
    ['tidemark inspect snapshot.pickle --plan llama-2-7b --method lora-fa -s 512', 'which tensors the run keeps'],
    ['tidemark inspect 23.4GiB --plan estimate.json', 'what nvidia-smi showed, beside a saved estimate'],
  ],
  async run(args, raw) {
    const context = await contextOf(raw, this.flags, 'inspect')
    const { values, terminal } = context
    await checkOutputs(context)
    const found = await readMeasured(textArgument(args, 'measured'))
    const plan = await findPlan(context, found.source.runtime, terminal.env)
    const body = inspected(found, plan)
    const result: InspectResult = {
      schema: 'tidemark/inspect@1',
      tool: { name: 'tidemark', version: toolVersion() },
      command: context.typed,
      input: plan.input,
      result: body,
      warnings: [...found.warnings, ...plan.warnings, ...workspaceWarnings(body, plan, bytesIn(values.unit))],
    }
    emit(context, result, () => inspectText(body, plan.header, pageOf(context)))
    tell(context, result.input.assumptions, result.warnings)
    return body.within ? EXIT.done : EXIT.outsideTolerance
  },
}

const inspected = ({ source, measured }: Measured, plan: FoundPlan): InspectBody =>
  'run' in measured ? inspectRun(source, measured.run, plan) : inspectTotals(source, [measured.total], plan)

/** Which workspaces there are depends on the GPU, and a plan without one takes those before Hopper. */
function workspaceWarnings({ workspaces }: InspectBody, { body }: FoundPlan, bytes: (n: number) => string): string[] {
  const planned = body.tiers.allocated?.workspaces_bytes
  const measured = workspaces.reduce((n, w) => n + w.bytes * w.count, 0)
  if (planned === undefined || measured === 0 || measured === planned) return []
  const names = workspaces.map((w) => `${w.count} × ${w.name}`).join(', ')
  return [`the run has ${names} (${bytes(measured)}), the plan ${bytes(planned)}: --gpu says which GPU it was`]
}
