import { type Engine, EngineError, loadEngine } from '../execute/index.ts'
import type { StudyResult, StudyRun } from '../result/study.ts'
import { hashOf } from '../run/hash.ts'
import { planRun } from '../run/plan.ts'
import { numel } from '../trace/axes.ts'
import { Refusal } from '../trace/errors.ts'
import { adapterFiles, type NamedTensor } from './adapter-files.ts'
import { METHOD_TABLE } from './methods.ts'
import { streamOf } from './random.ts'
import { type RunKey, runsOf, type StudyRequest, sameRun } from './request.ts'
import { type StudySetting, studySetting } from './setting.ts'
import { bestRows } from './summary.ts'
import { type BatchValues, type Sampler, samplerOf } from './tasks.ts'
import { type Trained, trainOn } from './trainer.ts'
import { isHead, startOf, type WeightValues } from './values.ts'

export interface StudyHooks {
  readonly onProgress?: (progress: { phase: string; step: number; of: number }) => void
  /** Each run as soon as it has ended. */
  readonly onRun?: (run: StudyRun) => void
  /** Runs that a file has already. */
  readonly finished?: readonly StudyRun[]
  /** The base model's weights, where there are some, and what they are from; asked for once with the study's hash. */
  readonly readBase?: (study: string) => Promise<{ readonly weights: WeightValues; readonly source: string } | null>
  /** The base model that was trained here. */
  readonly onBase?: (study: string, weights: readonly NamedTensor[]) => Promise<void>
  /** A trained adapter as PEFT's files. */
  readonly onAdapter?: (run: StudyRun, files: ReturnType<typeof adapterFiles>) => Promise<void>
}

export type StudyBody = StudyResult['result']

/** Batches that validation and test go over, the same for all runs. */
const LOOKED_AT = 8
const CURVE_POINTS = 10
const PRETRAINING_RATE = 3e-3
const BASE_SEED = 0

/**
 * Trains the base model where none is given, then every run that is not finished. The base is trained once, by full fine-tuning on
 * the corpus `before`; all runs adapt it to the corpus `after`.
 *
 * @throws Refusal and EngineError
 */
export async function executeStudy(request: StudyRequest, hooks: StudyHooks = {}): Promise<StudyBody> {
  hooks.onProgress?.({ phase: 'load', step: 0, of: 0 })
  const study = await fingerprint(request)
  const done = hooks.finished ?? []
  refuseOthers(done, study)
  const engine = await load(request)
  try {
    const all = runsOf(request, (method) => METHOD_TABLE[method].learningRate)
    const left = all.filter((key) => !done.some((run) => sameRun(keyOf(run), key)))
    const base = await baseOf(request, study, engine, hooks)
    const data = dataOf(request, request.corpora.after)
    const runs = [...done]
    const of = left.length * request.steps
    let step = 0
    for (const key of left) {
      const phase = [key.method, key.rank === null ? '' : `r${key.rank}`, `${key.learningRate}`, `seed ${key.seed}`]
      const onStep = () => hooks.onProgress?.({ phase: phase.filter((w) => w !== '').join(' '), step: ++step, of })
      const setting = studySetting(request.model, request.engine, key.method, key.rank, request.options)
      const trained = await train(request, engine, { setting, key, data, base: base.weights, onStep })
      const run = recordOf(request, study, key, setting, trained)
      runs.push(run)
      hooks.onRun?.(run)
      if (setting.train.adapter) await hooks.onAdapter?.(run, adapterFiles(request.model, setting, trained.weights))
    }
    const ordered = all.flatMap((key) => runs.filter((run) => sameRun(keyOf(run), key)))
    return {
      engine: `tfjs ${engine.version}, ${request.engine}: ${engine.device}`,
      stack: `tfjs-${engine.version}/${request.engine}+transformers-5.23+peft-0.21`,
      task: request.model.task,
      data: {
        corpus: request.corpora.after.name,
        documents: request.corpora.after.documents.length,
        tokenizer: "bytes, with ByT5's ids",
        split: 'of ten documents in a row eight train, one validates, one tests',
      },
      base: { source: base.source, validation: base.validation, seconds: base.seconds },
      steps: request.steps,
      runs: ordered,
      summary: bestRows(ordered),
    }
  } finally {
    engine.close()
  }
}

const keyOf = (run: StudyRun): RunKey => ({
  // a record's method is checked where its file is read
  method: run.method as RunKey['method'],
  rank: run.rank,
  learningRate: run.learning_rate,
  seed: run.seed,
})

/** What all runs of a study share, as a hash: runs of another study are never mixed in. */
function fingerprint(request: StudyRequest): Promise<string> {
  const { model, engine, options, steps, pretrainSteps, corpora, checkpoint } = request
  return hashOf({ model, engine, options, steps, pretrainSteps, corpora, checkpoint })
}

function refuseOthers(done: readonly StudyRun[], study: string): void {
  if (done.every((run) => run.study === study)) return
  const message = 'holds runs of another study: another model, text, setting or number of steps'
  throw new Refusal(
    'other-study',
    '--results',
    message,
    'Name another file, or repeat the command that wrote this one.',
  )
}

async function load({ engine: name }: StudyRequest): Promise<Engine> {
  try {
    return await loadEngine(name)
  } catch (e) {
    if (!(e instanceof EngineError)) throw e
    throw new Refusal('engine-unavailable', '--engine', e.message, e.next)
  }
}

interface Data {
  readonly draw: Sampler
  readonly validation: readonly BatchValues[]
  readonly test: readonly BatchValues[]
}

function dataOf({ model, options }: StudyRequest, corpus: StudyRequest['corpora']['after']): Data {
  const sizes = { batch: options.batch_size ?? 1, tokens: options.seq_len ?? 1 }
  const fixed = (split: 'validation' | 'test'): BatchValues[] => {
    const draw = samplerOf(model, corpus, split, sizes)
    const random = streamOf(split, BASE_SEED)
    return Array.from({ length: LOOKED_AT }, () => draw(random))
  }
  return {
    draw: samplerOf(model, corpus, 'training', sizes),
    validation: fixed('validation'),
    test: fixed('test'),
  }
}

interface Base {
  readonly source: string
  readonly weights: WeightValues
  readonly validation: StudyBody['base']['validation']
  readonly seconds: number
}

/** The model that is adapted: read, or trained here on the other corpus. Its head, where it classifies, is new for each seed. */
async function baseOf(request: StudyRequest, study: string, engine: Engine, hooks: StudyHooks): Promise<Base> {
  const started = performance.now()
  const setting = studySetting(request.model, request.engine, 'full', null, request.options)
  const found = (await hooks.readBase?.(study)) ?? null
  let weights = found?.weights ?? null
  const { corpora, pretrainSteps: of } = request
  if (weights === null) {
    let step = 0
    const trained = await train({ ...request, steps: of }, engine, {
      setting,
      key: { method: 'full', rank: null, learningRate: PRETRAINING_RATE, seed: BASE_SEED },
      data: dataOf(request, corpora.before),
      base: new Map(),
      onStep: () => hooks.onProgress?.({ phase: 'base', step: ++step, of }),
    })
    const body = setting.network.parameters.filter((p) => !isHead(p.path))
    const named = body.map((p) => ({ name: p.path, shape: shapeOf(p.axes), values: trained.weights.get(p.path)! }))
    await hooks.onBase?.(study, named)
    weights = new Map(named.map(({ name, values }) => [name, values]))
  }
  const seconds = (performance.now() - started) / 1000
  const scored = await train({ ...request, steps: 0 }, engine, {
    setting,
    key: { method: 'full', rank: null, learningRate: 0, seed: BASE_SEED },
    data: dataOf(request, corpora.after),
    base: weights,
  })
  const source = found?.source ?? `${of} steps of full training on ${corpora.before.name}`
  return { source, weights, validation: scored.validation, seconds }
}

const shapeOf = (axes: readonly { readonly size: number }[]): number[] => axes.map((a) => a.size)

function train(
  { steps }: StudyRequest,
  engine: Engine,
  what: {
    readonly setting: StudySetting
    readonly key: RunKey
    readonly data: Data
    readonly base: WeightValues
    readonly onStep?: () => void
  },
): Promise<Trained> {
  const { setting, key, data, base, onStep } = what
  return trainOn({
    engine,
    ...setting,
    ...data,
    learningRate: key.learningRate,
    seed: key.seed,
    steps,
    every: Math.max(1, Math.ceil(steps / CURVE_POINTS)),
    start: (p) => startOf(p, base, key.seed),
    ...(onStep ? { onStep } : {}),
  })
}

function recordOf(
  request: StudyRequest,
  study: string,
  key: RunKey,
  setting: StudySetting,
  trained: Trained,
): StudyRun {
  const { parameters } = setting.network
  const count = (of: typeof parameters): number => of.reduce((n, p) => n + numel(p.axes), 0)
  const predicted =
    METHOD_TABLE[key.method].rule === undefined
      ? planRun(request.model, setting.train, request.engine, 2).predicted.peak.bytes
      : null
  return {
    study,
    method: key.method,
    optimizer: setting.train.optimizer,
    rank: key.rank,
    alpha: setting.train.adapter?.alpha ?? null,
    learning_rate: key.learningRate,
    seed: key.seed,
    parameters: { total: count(parameters), trainable: count(parameters.filter((p) => p.trains)) },
    curve: trained.curve,
    validation: trained.validation,
    test: trained.test,
    peak_bytes: trained.peakBytes,
    predicted_peak_bytes: predicted,
    seconds_per_step: trained.secondsPerStep,
  }
}
