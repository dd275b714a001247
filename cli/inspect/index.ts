import { torchCuda } from '../../planner/allocate/torch-cuda/index.ts'
import { inspectRun, inspectTotals, onCuda } from '../../planner/inspect/index.ts'
import type { InspectBody } from '../../planner/result/inspect.ts'
import { type Bytes, bytesIn } from '../output/numbers.ts'
import type { Given } from '../settings/read.ts'
import { readMeasured } from './measured.ts'
import { type FoundPlan, findPlan } from './plan.ts'

export { inspectText } from './text.ts'

/** A run beside its plan, and what the reader should beware of. */
export interface Inspected {
  readonly body: InspectBody
  readonly plan: FoundPlan
  readonly warnings: string[]
}

/** Reads what was measured, finds its plan and lines the two up. @throws UsageError with what is wrong where */
export async function inspectFile(path: string, given: Given, env: NodeJS.ProcessEnv): Promise<Inspected> {
  const { source, measured, warnings } = await readMeasured(path, given.values.alloc_conf)
  const plan = await findPlan(given, source.runtime, env)
  const held = source.kind === 'torch-snapshot' ? onCuda(plan, torchCuda.block) : plan
  const body =
    'run' in measured ? inspectRun(source, measured.run, held) : inspectTotals(source, [measured.total], plan)
  const beware = workspaceWarnings(body, plan, bytesIn(given.values.unit))
  return { body, plan, warnings: [...warnings, ...plan.warnings, ...beware] }
}

/** Which workspaces there are depends on the GPU, and a plan without one takes those before Hopper. */
function workspaceWarnings({ workspaces }: InspectBody, { body }: FoundPlan, bytes: Bytes): string[] {
  const planned = body.tiers.allocated?.workspaces_bytes
  const measured = workspaces.reduce((n, w) => n + w.bytes * w.count, 0)
  if (planned === undefined || measured === 0 || measured === planned) return []
  const names = workspaces.map((w) => `${w.count} × ${w.name}`).join(', ')
  return [`the run has ${names} (${bytes(measured)}), the plan ${bytes(planned)}: --gpu says which GPU it was`]
}
