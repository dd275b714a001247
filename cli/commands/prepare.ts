import { parseAllocatorConfig } from '../../planner/allocate/torch-cuda/index.ts'
import { DEFAULT_STACK, resolveStack } from '../../planner/predict/stack.ts'
import { type Problem, UsageError } from '../errors.ts'
import { resolveGpu } from '../gpus.ts'
import { type FoundModel, resolveModel } from '../model/resolve.ts'
import { problemsOf } from '../problems.ts'
import type { Given } from '../settings/read.ts'
import { type Method, type Prepared, prepareMethods } from './prepared.ts'

/**
 * Finds the model, the stack and the GPU and fills in every method's setting.
 *
 * @param methods undefined takes the default method
 * @param engine runs the step itself: its defaults hold in place of a stack's
 * @throws UsageError with everything that is wrong
 */
export async function prepare(
  model: string,
  given: Given,
  methods: readonly (Method | undefined)[],
  options: { env: NodeJS.ProcessEnv; engine?: string },
): Promise<Prepared> {
  const { values, placeOf, files } = given
  const problems: Problem[] = []
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work()
    } catch (error) {
      problems.push(...problemsOf(error, placeOf))
      return undefined
    }
  }
  const stack = attempt(() => resolveStack(values.stack ?? DEFAULT_STACK))
  const gpu = attempt(() => (values.gpu === undefined ? null : resolveGpu(values.gpu, placeOf('--gpu'))))
  const allocator = attempt(() => parseAllocatorConfig(values.alloc_conf ?? '', placeOf('--alloc-conf')))
  let found: FoundModel | undefined
  try {
    found = await resolveModel(model, { task: values.task, layers: values.layers }, options.env)
  } catch (error) {
    const fromFile = files?.model?.where
    const next = (p: Problem) =>
      p.where === fromFile ? `${p.next} Or name another model on the command line.` : p.next
    problems.push(...problemsOf(error, placeOf).map((p) => ({ ...p, next: next(p) })))
  }
  if (found === undefined || stack === undefined || gpu === undefined || allocator === undefined)
    throw new UsageError(problems)
  const asked = { found, stack, gpu, allocator, options: values, methods, engine: options.engine, files }
  return prepareMethods(asked, placeOf)
}
