import { ENGINE_TABLE } from '../../planner/execute/engines/table.ts'
import { ENGINE_NAMES } from '../../planner/trace/engine-names.ts'
import { EXIT } from '../errors.ts'
import { OUTPUT_FLAGS } from '../flags.ts'
import { table } from '../output/table.ts'
import type { Command } from './command.ts'
import { contextOf, pageOf } from './context.ts'
import { checkOutputs, emit } from './emit.ts'

export const engines: Command = {
  usage: 'engines [action]',
  describe: 'What can run a step here, and what cannot yet',
  flags: [...OUTPUT_FLAGS],
  positionals: { action: { describe: 'list', choices: ['list'] } },
  examples: [],
  async run(_args, raw) {
    const context = await contextOf(raw, this.flags, 'engines')
    await checkOutputs(context)
    const engines = await Promise.all(
      ENGINE_NAMES.map(async (name) => {
        const { describe, missing } = ENGINE_TABLE[name]
        const why = await missing()
        return { name, available: why === null, note: why === null ? describe : `${describe}: ${why}` }
      }),
    )
    const rows = engines.map((e) => [e.name, e.available ? 'yes' : 'no', e.note])
    const columns = [
      { head: 'engine', align: 'left' },
      { head: 'here', align: 'left' },
      { head: '', align: 'left' },
    ] as const
    const document = { schema: 'tidemark/engines@1', engines }
    emit(context, document, () => table(columns, rows, pageOf(context).width))
    return EXIT.done
  },
}
