import { statSync } from 'node:fs'
import { readJson } from '../../models/json.ts'
import type { Plan } from '../../planner/inspect/index.ts'
import { predict } from '../../planner/predict/index.ts'
import type { Input } from '../../planner/result/common.ts'
import { planRun } from '../../planner/run/plan.ts'
import { ENGINE_NAMES, type EngineName } from '../../planner/trace/engine-names.ts'
import { headerOf, predicted, predictor } from '../commands/predicted.ts'
import { prepare } from '../commands/prepare.ts'
import { inputOf, type Prepared } from '../commands/prepared.ts'
import { UsageError } from '../errors.ts'
import { readTextFile } from '../files/read.ts'
import { dashed, SETTING_FLAGS } from '../flags.ts'
import { adaptedLinears } from '../model/adapted.ts'
import { replan } from '../model/replan.ts'
import { parseResult } from '../model/result.ts'
import type { HeaderFacts } from '../output/header.ts'
import type { Given } from '../settings/read.ts'

/** What a run is held against. */
export interface FoundPlan extends Plan {
  readonly input: Input
  readonly header: HeaderFacts
  readonly warnings: readonly string[]
}

const MAX_BYTES = 64 * 1024 * 1024

/**
 * The plan that `--plan` names: a saved estimate, or a model with the flags of `estimate`.
 *
 * @param runtime of a trace: a run on an engine is held against the prediction for that engine
 * @throws UsageError where there is none
 */
export async function findPlan(given: Given, runtime: string | null, env: NodeJS.ProcessEnv): Promise<FoundPlan> {
  const { values, placeOf } = given
  const named = values.plan
  if (named === undefined) {
    const next = 'Say --plan estimate.json, or --plan MODEL with the flags of the run as in estimate.'
    throw new UsageError([{ where: 'inspect', message: 'needs --plan: what the run should have been', next }])
  }
  const engine = engineOf(runtime)
  const saved = await savedText(named)
  if (saved !== null) return fromResult(saved, named, given, env)
  const prepared = await prepare(named, given, [values.method], engine === null ? { env } : { env, engine }).catch(
    (error: unknown) => {
      throw moved(error, placeOf('--plan'))
    },
  )
  const [method] = prepared.methods
  const predict = predictorFor(engine, prepared)
  const body = engine === null ? predicted(prepared, method) : predict(method.train)
  return {
    train: method.train,
    body,
    predict,
    input: inputOf(prepared, engine ?? undefined),
    header: { ...headerOf(prepared, method, body), ...(engine === null ? {} : { on: engine }) },
    warnings: prepared.warnings,
  }
}

/** The engine whose trace it is; null for a stack's. */
const engineOf = (runtime: string | null): EngineName | null => {
  const name = /^tfjs-[\d.]+\/([\w-]+)/.exec(runtime ?? '')?.[1]
  return ENGINE_NAMES.find((e) => e === name) ?? null
}

/** How a setting is predicted: for the stack, or for the steps of an engine's run. */
function predictorFor(engine: EngineName | null, prepared: Prepared): Plan['predict'] {
  if (engine === null) return predictor(prepared)
  return (train) => planRun(prepared.found.spec, train, engine, 2).predicted
}

/** The text of a file that holds a result; null where `--plan` names a model. */
async function savedText(name: string): Promise<string | null> {
  if (!statSync(name, { throwIfNoEntry: false })?.isFile()) return null
  const text = await readTextFile(name, { limit: MAX_BYTES, what: 'a result that --json printed', flag: '--plan' })
  return /"schema"\s*:\s*"tidemark\//.test(text.slice(0, 200)) ? text : null
}

async function fromResult(text: string, path: string, given: Given, env: NodeJS.ProcessEnv): Promise<FoundPlan> {
  const { values, placeOf } = given
  const unused = SETTING_FLAGS.filter((key) => values[key] !== undefined)
  const next = 'Leave it out, or give the model to --plan.'
  if (unused.length > 0)
    throw new UsageError(
      unused.map((key) => ({ where: placeOf(`--${dashed(key)}`), message: `${path} says the whole setting`, next })),
    )
  const result = parseResult(readJson(text, path).value, path)
  const plans = await replan(result, path, env)
  const plan = plans.length === 1 ? plans[0] : plans.find((p) => p.method === values.method)
  if (plan === undefined) {
    const message = `${path} compares ${plans.map((p) => p.method).join(', ')}`
    throw new UsageError([{ where: placeOf('--method'), message, next: 'Say which one was run with --method.' }])
  }
  const { spec, train, setting, stack, body } = plan
  const adapted = adaptedLinears(spec, train)
  return {
    train,
    body,
    predict: (other) => predict(spec, other, stack),
    input: { ...result.input, training: setting },
    header: { model: spec.name, parameters: body.parameters.total - adapted.added, setting, adapted, on: stack.name },
    warnings: [],
  }
}

/** What is wrong with the model is wrong with `--plan`. */
function moved(error: unknown, where: string): unknown {
  if (!(error instanceof UsageError)) return error
  return new UsageError(error.problems.map((p) => (p.where === 'model' ? { ...p, where } : p)))
}
