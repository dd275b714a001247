import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSafetensors, writeSafetensors } from '../../models/weights/tensors.ts'
import type { StudyRun } from '../../planner/result/study.ts'
import { matchCheckpoint } from '../../planner/study/checkpoint.ts'
import { bodyOf, executeStudy, type StudyBody, type StudyHooks, sourceOf } from '../../planner/study/index.ts'
import { studySetting } from '../../planner/study/setting.ts'
import { Refusal } from '../../planner/trace/errors.ts'
import { Refusals } from '../../planner/training/refusals.ts'
import { writeFileWhole } from '../files/write.ts'
import { problemsOf } from '../problems.ts'
import type { Studier } from '../process/messages.ts'
import { documentOf, type StudyTask } from './task.ts'
import { TimeLeft } from './time-left.ts'
import { loadTokenizer } from './tokenizers/choose.ts'

/** The study as its own process runs it: the planner's, with files. */
export const runStudy: Studier = async (task, { onProgress, onTrace }): Promise<StudyBody> => {
  const timeLeft = new TimeLeft()
  const { tokenizer } = await loadTokenizer(task.tokenizer)
  const hooks: StudyHooks = {
    finished: task.finished,
    onProgress: (progress) => onProgress({ ...progress, secondsLeft: timeLeft.after(progress) }),
    onHead: (head) => onTrace(JSON.stringify(documentOf(task.about, bodyOf(head, [], [])))),
    onRun: (run) => onTrace(JSON.stringify(run)),
    readBase: (study) => readBase(task, study),
    onBase: async (study, weights) => {
      if (task.base !== null) writeFileWhole(basePath(task.base, study), writeSafetensors(weights))
    },
    ...(task.adapters === null ? {} : { onAdapter: adapterWriter(task.adapters) }),
  }
  return executeStudy(task.request, hooks, tokenizer)
}

const basePath = (start: string, study: string): string => `${start}.${study.slice(0, 12)}.base.safetensors`

type Base = Awaited<ReturnType<NonNullable<StudyHooks['readBase']>>>

async function readBase({ request, checkpoint, base }: StudyTask, study: string): Promise<Base> {
  if (checkpoint.length > 0) return fromCheckpoint(request, checkpoint)
  if (base === null) return null
  const path = basePath(base, study)
  if (!existsSync(path)) return null
  const weights = new Map(readSafetensors(readFileSync(path), path).map(({ name, values }) => [name, values]))
  return { weights, source: sourceOf(request) }
}

function fromCheckpoint({ model, engine, options }: StudyTask['request'], files: readonly string[]): Base {
  const tensors = files.flatMap((file) => readSafetensors(readFileSync(file), file))
  const { network } = studySetting(model, engine, 'full', null, options)
  const label = files[0] ?? ''
  const { weights, unused, fresh } = matched(() => matchCheckpoint(network, tensors, label))
  const notes = [
    `${weights.size} tensors`,
    ...(unused.length === 0 ? [] : [`unused: ${unused.join(', ')}`]),
    ...(fresh.length === 0 ? [] : [`new: ${fresh.join(', ')}`]),
  ]
  return { weights, source: `checkpoint ${files.join(', ')} (${notes.join('; ')})` }
}

/** Only one problem crosses the process border: all of them go in its message. */
function matched<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof Refusals) || error.all.length === 1) throw error
    const [first, ...rest] = problemsOf(error)
    const more = rest.map(({ where, message }) => `${where} ${message}`)
    throw new Refusal(error.code, first?.where ?? '', `${first?.message ?? ''}\n${more.join('\n')}`, error.next)
  }
}

/** `FOLDER/lora-fa-r8-0.01-0/adapter_model.safetensors` and its config. */
const adapterWriter =
  (folder: string): NonNullable<StudyHooks['onAdapter']> =>
  async (run: StudyRun, { config, tensors }) => {
    const own = join(folder, `${run.method}-r${run.rank}-${run.learning_rate}-${run.seed}`)
    mkdirSync(own, { recursive: true })
    writeFileWhole(join(own, 'adapter_model.safetensors'), tensors)
    writeFileWhole(join(own, 'adapter_config.json'), `${JSON.stringify(config, null, 2)}\n`)
  }
