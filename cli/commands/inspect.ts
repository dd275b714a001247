import type { InspectResult } from '../../planner/result/inspect.ts'
import { EXIT } from '../errors.ts'
import { OUTPUT_FLAGS, SETTING_FLAGS } from '../flags.ts'
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
  },
}
