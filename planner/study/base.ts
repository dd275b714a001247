import type { Engine } from '../execute/index.ts'
import { Refusal } from '../trace/errors.ts'
import type { NamedTensor } from './adapter-files.ts'
import type { StudyHead } from './body.ts'
import { dataOf } from './data.ts'
import { Diverged } from './diverged.ts'
import { train } from './one-run.ts'
import type { StudyRequest } from './request.ts'
import { studySetting } from './setting.ts'
import { isHead, type WeightValues } from './values.ts'

const PRETRAINING_RATE = 3e-3
const BASE_SEED = 0

export interface BaseHooks {
  readonly onProgress?: (progress: { phase: string; step: number; of: number }) => void
  /** The base model's weights, where there are some, and what they are from; asked for once with the study's hash. */
  readonly readBase?: (study: string) => Promise<{ readonly weights: WeightValues; readonly source: string } | null>
  /** The base model that was trained here. */
  readonly onBase?: (study: string, weights: readonly NamedTensor[]) => Promise<void>
}

export interface Base extends Readonly<StudyHead['base']> {
  readonly weights: WeightValues
}

/** The model that is adapted: read, or trained here on the other corpus. Its head, where it classifies, is new for each seed. */
export async function baseOf(request: StudyRequest, study: string, engine: Engine, hooks: BaseHooks): Promise<Base> {
  const started = performance.now()
  const setting = studySetting(request.model, request.engine, 'full', null, request.options)
  const found = (await hooks.readBase?.(study)) ?? null
  const weights = found?.weights ?? (await pretrained(request, study, engine, hooks))
  const seconds = (performance.now() - started) / 1000
  const scored = await train(engine, {
    setting,
    key: { method: 'full', rank: null, learningRate: 0, seed: BASE_SEED },
    steps: 0,
    data: dataOf(request, request.corpora.after),
    base: weights,
  })
  const source = found?.source ?? `${request.pretrainSteps} steps of full training on ${request.corpora.before.name}`
  return { source, weights, validation: scored.validation, seconds }
}

async function pretrained(
  request: StudyRequest,
  study: string,
  engine: Engine,
  hooks: BaseHooks,
): Promise<WeightValues> {
  const { corpora, pretrainSteps: of } = request
  const setting = studySetting(request.model, request.engine, 'full', null, request.options)
  let step = 0
  const trained = await train(engine, {
    setting,
    key: { method: 'full', rank: null, learningRate: PRETRAINING_RATE, seed: BASE_SEED },
    steps: of,
    data: dataOf(request, corpora.before),
    base: new Map(),
    onStep: () => hooks.onProgress?.({ phase: 'base', step: ++step, of }),
  }).catch((error: unknown) => {
    if (!(error instanceof Diverged)) throw error
    throw new Refusal(
      'diverged',
      '--pretrain-steps',
      `the base model's training: ${error.message}`,
      'Take other texts.',
    )
  })
  const body = setting.network.parameters.filter((p) => !isHead(p.path))
  const named = body.map(({ path, axes }) => ({
    name: path,
    shape: axes.map((a) => a.size),
    values: trained.weights.get(path)!,
  }))
  await hooks.onBase?.(study, named)
  return new Map(named.map(({ name, values }) => [name, values]))
}
