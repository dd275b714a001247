import type { ModelSpec } from '../../models/spec.ts'
import { predict, resolveStack, type Stack, worstRank } from '../../planner/predict/index.ts'
import type { Input, TrainingSetting } from '../../planner/result/common.ts'
import type { EstimateBody } from '../../planner/result/estimate.ts'
import { resolveTraining } from '../../planner/training/resolve.ts'
import type { TrainSpec } from '../../planner/training/spec.ts'
import type { Reportable } from '../../reports/index.ts'
import { type Problem, UsageError } from '../errors.ts'
import { FLAGS, type FlagKey, type Values } from '../flags.ts'
import { checkValue } from '../settings/check.ts'
import { resolveModel } from './resolve.ts'

/** A saved prediction with all that it takes to make it again. */
export interface Replanned {
  readonly method: string
  readonly spec: ModelSpec
  readonly train: TrainSpec
  readonly setting: TrainingSetting
  readonly stack: Stack
  readonly body: EstimateBody
}

/**
 * Plans every method of a saved result once more from the input it recorded: a result has tables, and no events.
 *
 * @throws UsageError where the model is not to be found, or comes out differently from what was saved
 */
export async function replan(result: Reportable, path: string, env: NodeJS.ProcessEnv): Promise<Replanned[]> {
  if (result.schema === 'tidemark/run@1') {
    const next = 'Run it again with --trace FILE, and give that file.'
    throw new UsageError([{ where: path, message: 'is a run, whose result has no events', next }])
  }
  if (result.schema === 'tidemark/study@1') {
    const next = 'Formats of a study: html, md, csv, svg, png.'
    throw new UsageError([{ where: path, message: 'is a study, whose result has no events', next }])
  }
  if (result.schema === 'tidemark/plan@1') {
    const next = 'Formats of a plan: html, md, csv, svg, png; estimate --trace writes the events of a setting.'
    throw new UsageError([{ where: path, message: 'is a plan, whose result has no events', next }])
  }
  const { input } = result
  const values = settingValues(input, path)
  const stack = resolveStack(input.stack)
  const { spec } = await resolveModel(modelName(input, path), { task: values.task, layers: values.layers }, env)
  const saved =
    result.schema === 'tidemark/compare@1'
      ? result.result.methods.map(({ method, estimate }) => ({ method, body: estimate }))
      : [{ method: input.training.method, body: result.result }]
  return saved.map(({ method, body }) => {
    // a method of a result passed its flag's schema when it was given
    const { train: asked, setting } = resolveTraining(
      spec,
      { ...values, method: method as Values['method'] },
      { stack: stack.name },
    )
    const { train } = worstRank(spec, asked, stack)
    const again = predict(spec, train, stack)
    if (again.peak.bytes !== body.peak.bytes) throw new UsageError([changed(path, method, body, again)])
    return { method, spec, train, setting, stack, body }
  })
}

/** The setting that a result recorded, as flags. */
function settingValues({ training }: Input, path: string): Values {
  const values: Record<string, unknown> = {}
  const problems: Problem[] = []
  for (const [key, value] of Object.entries(training)) {
    if (value === undefined || !Object.hasOwn(FLAGS, key) || key === 'seed') continue
    const checked = checkValue(key as FlagKey, value, `${path} input.training.${key}`)
    if (checked.ok) values[key] = checked.value
    else problems.push(checked.problem)
  }
  if (problems.length > 0) throw new UsageError(problems)
  // every key is a flag, every value has passed its schema
  return values as Values
}

/** The model as it was named, read off where it was found. */
export function modelName({ model }: Input, path: string): string {
  if (model.source.startsWith('catalog')) return model.name
  const cached = /^Hugging Face cache, (\S+) at /.exec(model.source)?.[1]
  if (model.source !== 'standard input') return cached ?? model.source
  const message = 'was made from a model on standard input, which cannot be read again'
  throw new UsageError([{ where: path, message, next: 'Estimate it from a file, and give that result.' }])
}

const changed = (path: string, method: string, before: EstimateBody, now: EstimateBody): Problem => ({
  where: path,
  message: `${method} was saved with a peak of ${before.peak.bytes} bytes and comes to ${now.peak.bytes} now`,
  next: 'Has the model’s file changed, or tidemark? Make the result again.',
})
