import type { StudyResult } from '../../planner/result/study.ts'

const COLUMNS = [
  'model',
  'task',
  'engine',
  'method',
  'rank',
  'alpha',
  'learning_rate',
  'seed',
  'step',
  'training_loss',
  'validation_loss',
  'validation_accuracy',
  'test_loss',
  'test_accuracy',
  'peak_bytes',
  'predicted_peak_bytes',
  'seconds_per_step',
  'trainable',
  'diverged_at',
] as const
type Row = Partial<Record<(typeof COLUMNS)[number], string | number>>

/** Every point of every training, a row each; the figures of the whole training stand on its last. */
export function studyRows({ input, result }: StudyResult): { columns: readonly string[]; rows: readonly Row[] } {
  const shared = { model: input.model.name, task: result.task, engine: result.engine }
  const runs = result.runs.flatMap((run) =>
    run.curve.map((point, i): Row => {
      const isLast = i === run.curve.length - 1
      return {
        ...shared,
        ...keyOf(run),
        step: point.step,
        ...known('training_loss', point.training_loss),
        validation_loss: point.validation.loss,
        ...known('validation_accuracy', point.validation.accuracy),
        ...known('alpha', run.alpha),
        ...(isLast ? wholeOf(run) : {}),
      }
    }),
  )
  const diverged = result.diverged.map((d): Row => ({ ...shared, ...keyOf(d), diverged_at: d.diverged_at }))
  return { columns: COLUMNS, rows: [...runs, ...diverged] }
}

type Keyed = Pick<StudyResult['result']['diverged'][number], 'method' | 'rank' | 'learning_rate' | 'seed'>

const keyOf = ({ method, rank, learning_rate, seed }: Keyed): Row => ({
  method,
  ...known('rank', rank),
  learning_rate,
  seed,
})

const wholeOf = (run: StudyResult['result']['runs'][number]): Row => ({
  test_loss: run.test.loss,
  ...known('test_accuracy', run.test.accuracy),
  peak_bytes: run.peak_bytes,
  ...known('predicted_peak_bytes', run.predicted_peak_bytes),
  seconds_per_step: run.seconds_per_step,
  trainable: run.parameters.trainable,
})

const known = (name: keyof Row, value: number | null): Row => (value === null ? {} : { [name]: value })
