import type { ModelSpec } from '../../models/spec.ts'
import type { Input } from '../../planner/result/common.ts'
import type { EstimateBody } from '../../planner/result/estimate.ts'
import type { Reportable } from '../../reports/index.ts'
import { modelName } from '../model/replan.ts'
import { resolveModel } from '../model/resolve.ts'
import type { PageResult } from '../pages.ts'
import { problemsOf } from '../problems.ts'
import { toolVersion } from '../version.ts'
import { documentOf } from './planner.ts'
import { type Predicted, type Setup, setupFromResult } from './setup.ts'

/**
 * A saved result with the setup that its page asks again: only where the planner of today, asked the same, says the same.
 *
 * @returns also why the page cannot be asked; null where it can, and for a study and a plan, which nobody would ask of a page
 */
export async function askedAgain(
  saved: Reportable,
  path: string,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly page: PageResult; readonly why: string | null }> {
  const without = (why: string) => ({ page: { result: saved, setup: null }, why })
  if (saved.schema === 'tidemark/study@1' || saved.schema === 'tidemark/plan@1')
    return { page: { result: saved, setup: null }, why: null }
  if (saved.schema === 'tidemark/run@1') return without('a page cannot run a step')
  try {
    const argument = modelName(saved.input, path)
    const setup = {
      ...setupFromResult(saved, await modelOf(saved.input, argument, env), argument),
      version: toolVersion(),
    }
    if (!saysTheSame(saved, setup)) return without('this version predicts other figures than the result holds')
    return { page: { result: saved, setup }, why: null }
  } catch (error) {
    return without(
      problemsOf(error)
        .map((p) => p.message)
        .join('; '),
    )
  }
}

async function modelOf({ training, assumptions }: Input, argument: string, env: NodeJS.ProcessEnv): Promise<ModelSpec> {
  const assumed = assumptions.some((a) => a.what === 'task')
  // a task in a checked result is one of those there are, or the model refuses it
  const task = assumed ? undefined : (training.task as ModelSpec['task'])
  return (await resolveModel(argument, { task, layers: training.layers }, env)).spec
}

function saysTheSame(saved: Predicted, setup: Setup): boolean {
  const figures = (document: Predicted) =>
    bodiesOf(document).map((b) => [
      b.peak.bytes,
      b.peak.op,
      b.saved_bytes,
      b.parameters.total,
      b.timeline.length,
      b.tiers,
    ])
  return JSON.stringify(figures(documentOf(setup))) === JSON.stringify(figures(saved))
}

const bodiesOf = (document: Predicted): EstimateBody[] =>
  document.schema === 'tidemark/compare@1' ? document.result.methods.map((m) => m.estimate) : [document.result]
