import { type Engine, EngineError, loadEngine } from '../execute/index.ts'
import type { Divergence, StudyRun } from '../result/study.ts'
import { hashOf } from '../run/hash.ts'
import { Refusal } from '../trace/errors.ts'
import { adapterFiles } from './adapter-files.ts'
import { type Base, type BaseHooks, baseOf } from './base.ts'
import { bodyOf, keyOf, recordsOf, type StudyBody, type StudyHead } from './body.ts'
import { encodeCorpus } from './corpus.ts'
import { type Data, dataOf, LOOKED_AT, majorityOf } from './data.ts'
import { Diverged } from './diverged.ts'
import { defaultRate } from './methods.ts'
import { divergenceOf, recordOf, train } from './one-run.ts'
import { runsOf, type StudyRequest, sameRun } from './request.ts'
import { studySetting } from './setting.ts'
import { BYTES, type Tokenizer } from './tokenizer.ts'

export interface StudyHooks extends BaseHooks {
  /** What is known before the first run. */
  readonly onHead?: (head: StudyHead) => void
  /** Each run as soon as it has ended, or broken off. */
  readonly onRun?: (run: StudyRun | Divergence) => void
  /** Runs that a file has already. */
  readonly finished?: readonly (StudyRun | Divergence)[]
  /** A trained adapter as PEFT's files. */
  readonly onAdapter?: (run: StudyRun, files: ReturnType<typeof adapterFiles>) => Promise<void>
}

/**
 * Trains the base model where none is given, then every run that is not finished. The base is trained once, by full fine-tuning on
 * the corpus `before`; all runs adapt it to the corpus `after`. A run that diverges is recorded as such, and the others go on.
 *
 * @throws Refusal and EngineError
 */
export async function executeStudy(
  request: StudyRequest,
  hooks: StudyHooks = {},
  tokenizer: Tokenizer = BYTES,
): Promise<StudyBody> {
  hooks.onProgress?.({ phase: 'load', step: 0, of: 0 })
  const study = await fingerprint(request)
  const records: (StudyRun | Divergence)[] = [...(hooks.finished ?? [])]
  refuseOthers(records, study)
  const engine = await load(request)
  try {
    const all = runsOf(request, (method) => defaultRate(method, request.model.task))
    const left = all.filter((key) => !records.some((record) => sameRun(keyOf(record), key)))
    const text = encoded(request, hooks, tokenizer)
    const data = dataOf(request.model, request, text.after, tokenizer)
    const base = await baseOf(request, study, engine, { hooks, tokenizer, before: text.before, after: data })
    const head = headOf(request, study, engine, tokenizer, base, data)
    hooks.onHead?.(head)
    const of = left.length * request.steps
    for (const [i, key] of left.entries()) {
      const phase = [key.method, key.rank === null ? '' : `r${key.rank}`, `${key.learningRate}`, `seed ${key.seed}`]
      let step = i * request.steps
      const onStep = () => hooks.onProgress?.({ phase: phase.filter((w) => w !== '').join(' '), step: ++step, of })
      const setting = studySetting(request.model, request.engine, key.method, key.rank, request.options)
      const what = { setting, key, steps: request.steps, data, base: base.weights, onStep }
      const trained = await train(engine, what).catch(brokenOff)
      const record =
        trained instanceof Diverged
          ? divergenceOf(study, key, trained.step)
          : recordOf(request, study, key, setting, trained)
      records.push(record)
      hooks.onRun?.(record)
      if (trained instanceof Diverged || 'diverged_at' in record || setting.train.adapter === null) continue
      await hooks.onAdapter?.(record, adapterFiles(request.model, setting, trained.weights))
    }
    const runs = records.filter((r): r is StudyRun => !('diverged_at' in r))
    const diverged = records.filter((r): r is Divergence => 'diverged_at' in r)
    return bodyOf(head, recordsOf(all, runs), recordsOf(all, diverged))
  } finally {
    engine.close()
  }
}

/** Both texts as tokens. */
function encoded({ corpora: { before, after } }: StudyRequest, hooks: StudyHooks, tokenizer: Tokenizer) {
  const of = before.documents.length + after.documents.length
  let step = 0
  const onDocument = () => hooks.onProgress?.({ phase: 'tokens', step: ++step, of })
  return { before: encodeCorpus(before, tokenizer, onDocument), after: encodeCorpus(after, tokenizer, onDocument) }
}

function brokenOff(error: unknown): Diverged {
  if (error instanceof Diverged) return error
  throw error
}

function headOf(
  request: StudyRequest,
  study: string,
  engine: Engine,
  tokenizer: Tokenizer,
  base: Base,
  data: Data,
): StudyHead {
  const { model, corpora, steps } = request
  const classifies = model.task === 'sequence-classification'
  return {
    study,
    engine: `tfjs ${engine.version}, ${request.engine}: ${engine.device}`,
    stack: `tfjs-${engine.version}/${request.engine}+transformers-5.23+peft-0.21`,
    task: model.task,
    data: {
      corpus: corpora.after.name,
      documents: corpora.after.documents.length,
      tokenizer: tokenizer.name,
      split: 'of ten documents in a row eight train, one validates, one tests',
      majority: classifies ? { validation: majorityOf(data.validation), test: majorityOf(data.test) } : null,
    },
    base: { source: base.source, validation: base.validation, seconds: base.seconds },
    steps,
  }
}

/** What all runs of a study share, as a hash: runs of another study are never mixed in. */
function fingerprint(request: StudyRequest): Promise<string> {
  const { methods: _, ranks: __, learningRates: ___, seeds: ____, ...shared } = request
  return hashOf({ ...shared, looks: LOOKED_AT[request.model.task] })
}

function refuseOthers(records: readonly { readonly study: string }[], study: string): void {
  if (records.every((record) => record.study === study)) return
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
