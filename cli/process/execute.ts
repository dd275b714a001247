import { ENGINE_TABLE } from '../../planner/execute/engines/table.ts'
import type { Executed } from '../../planner/result/run.ts'
import { AllocationLog } from '../../planner/run/allocation-log.ts'
import { withLog } from '../../planner/run/framework.ts'
import type { RunRequest } from '../../planner/run/setting.ts'
import { OutputFile } from '../files/write.ts'
import { ProgressBar } from '../output/progress.ts'
import type { Terminal } from '../terminal.ts'
import { runInChild } from './supervise.ts'

/** The engine's process: beside this bundle. */
export const CHILD = new URL('./child.js', import.meta.url)

/** Runs a request in its own process with a progress bar; the trace file appears only when the run is complete. */
export async function execute(
  request: RunRequest,
  options: { terminal: Terminal; label: string; trace: string | undefined; layers: number | undefined },
): Promise<Executed> {
  const { terminal, label, trace, layers } = options
  // the run knows only the model it was given: that it was cut is stated here
  const cut = layers === undefined ? {} : { layers }
  const bar = new ProgressBar(terminal, label)
  const file = trace === undefined ? null : new OutputFile(trace)
  const log = ENGINE_TABLE[request.engine].logs === null ? null : new AllocationLog()
  try {
    const executed = await runInChild(CHILD, request, {
      ...(log ? { env: ENGINE_TABLE[request.engine].logs ?? {}, onLine: (line: string) => log.line(line) } : {}),
      onProgress: (progress) => bar.update(progress),
      ...(file ? { onTrace: (lines: string) => file.write(lines) } : {}),
      ...(terminal.manners.debug ? { onOutput: (text: string) => terminal.complain(text.trimEnd()) } : {}),
    })
    file?.finish()
    return { ...(log ? withLog(executed, log) : executed), training: { ...executed.training, ...cut } }
  } catch (error) {
    file?.abandon()
    throw error
  } finally {
    bar.clear()
  }
}
