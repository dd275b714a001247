import type { ModelSpec } from '../../models/spec.ts'
import type { Engine } from '../execute/index.ts'
import { Refusal } from '../trace/errors.ts'
import type { NamedTensor } from './adapter-files.ts'
import type { StudyHead } from './body.ts'
import type { EncodedCorpus } from './corpus.ts'
import { type Data, dataOf } from './data.ts'
import { Diverged } from './diverged.ts'
import { train } from './one-run.ts'
import type { StudyRequest } from './request.ts'
import { studySetting } from './setting.ts'
import type { Tokenizer } from './tokenizer.ts'
import { isHead, type WeightValues } from './values.ts'

const PRETRAINING_RATE: Readonly<Record<ModelSpec['task'], number>> = {
  'causal-lm': 3e-3,
  'seq2seq-lm': 3e-3,
  'sequence-classification': 1e-3,
}
const BASE_SPANS = 16
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

/** What a base is made on and looked at by. */
export interface BaseText {
  readonly hooks: BaseHooks
  readonly tokenizer: Tokenizer
  readonly before: EncodedCorpus
  readonly after: Data
}

/** The model that is adapted: read, or trained here on the other corpus. Its head, where it classifies, is new for each seed. */
export async function baseOf(request: StudyRequest, study: string, engine: Engine, text: BaseText): Promise<Base> {
  const started = performance.now()
  const found = (await text.hooks.readBase?.(study)) ?? null
  const weights = found?.weights ?? (await pretrained(request, study, engine, text))
  const seconds = (performance.now() - started) / 1000
  const scored = await train(engine, {
    setting: studySetting(request.model, request.engine, 'full', null, request.options),
    key: { method: 'full', rank: null, learningRate: 0, seed: BASE_SEED },
    steps: 0,
    data: text.after,
    base: weights,
  })
  return { source: found?.source ?? sourceOf(request), weights, validation: scored.validation, seconds }
}

/** Where the base of a request is trained here: how, for people. */
export function sourceOf({ model, pretrainSteps, corpora }: StudyRequest): string {
  const what =
    model.task === 'sequence-classification' ? `, to tell which of ${BASE_SPANS} parts of it a window is from` : ''
  return `${pretrainSteps} steps of full training on ${corpora.before.name}${what}`
}

/** A classifier learns more of a text from many spans than from as few as it is to tell apart later; its head is thrown away. */
const baseModel = (model: ModelSpec): ModelSpec =>
  'labels' in model && model.task === 'sequence-classification' ? { ...model, labels: BASE_SPANS } : model

async function pretrained(
  request: StudyRequest,
  study: string,
  engine: Engine,
  { hooks, tokenizer, before }: BaseText,
): Promise<WeightValues> {
  const of = request.pretrainSteps
  const model = baseModel(request.model)
  const setting = studySetting(model, request.engine, 'full', null, request.options)
  let step = 0
  const trained = await train(engine, {
    setting,
    key: { method: 'full', rank: null, learningRate: PRETRAINING_RATE[model.task], seed: BASE_SEED },
    steps: of,
    data: dataOf(model, request, before, tokenizer),
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
