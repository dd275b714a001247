import type { TrainingOptions } from '../../planner/training/options.ts'
import { PARALLEL_FLAGS, SETTING_FLAGS, type Values } from '../flags.ts'
import { toolVersion } from '../version.ts'
import type { Setup } from '../whatif/setup.ts'
import type { Context } from './context.ts'
import type { Prepared } from './prepared.ts'

/** Which command asks, with its model as it was typed and its methods. */
type Asking = Pick<Setup, 'command' | 'argument' | 'methods'>

/** What a report's page needs to ask the planner again; null where nobody asks for a report. */
export function setupOf(asking: Asking, { values }: Context, { found, stack }: Prepared): Setup | null {
  if (values.report === undefined) return null
  return {
    ...asking,
    model: found.spec,
    source: found.source,
    options: optionsOf(values),
    stack: stack.name,
    gpu: values.gpu ?? null,
    allocator: values.alloc_conf ?? '',
    version: toolVersion(),
  }
}

/** Of what was given, what the planner takes as a setting. */
function optionsOf(values: Values): TrainingOptions {
  const keys = [...SETTING_FLAGS, ...PARALLEL_FLAGS].filter(
    (key) => key !== 'config' && key !== 'stack' && values[key] !== undefined,
  )
  // each of these flags is an option of the same name, and its value has passed the flag's schema
  return Object.fromEntries(keys.map((key) => [key, values[key]])) as TrainingOptions
}
