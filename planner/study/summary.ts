import type { StudyRow, StudyRun } from '../result/study.ts'

/** How a run ended: nothing here reads its curve. */
export type Ended = Omit<StudyRun, 'curve'>

/** The runs of each method, rank and learning rate over their seeds. */
export function rowsOf(runs: readonly Ended[]): StudyRow[] {
  return [...groups(runs, (r) => `${r.method} ${r.rank} ${r.learning_rate}`).values()].map(rowOf)
}

/**
 * Of each method and rank the learning rate with the lowest validation loss: the test part takes no part in the choice. A rate at which
 * some seed has no run (it diverged) is only chosen where every rate is so.
 */
export function bestRows(rows: readonly StudyRow[]): StudyRow[] {
  return [...groups(rows, (r) => `${r.method} ${r.rank}`).values()].map((of) => {
    const seeds = Math.max(...of.map((r) => r.seeds))
    const whole = of.filter((r) => r.seeds === seeds)
    return whole.reduce((a, b) => (b.validation_loss < a.validation_loss ? b : a))
  })
}

/** @param runs one or more */
function rowOf(runs: readonly Ended[]): StudyRow {
  const first = runs[0]!
  const losses = (of: 'validation' | 'test') => spread(runs.map((r) => r[of].loss))
  const accuracies = (of: 'validation' | 'test') => spread(runs.flatMap((r) => r[of].accuracy ?? []))
  const [validation, test] = [losses('validation'), losses('test')]
  const [seen, unseen] = [accuracies('validation'), accuracies('test')]
  return {
    method: first.method,
    rank: first.rank,
    learning_rate: first.learning_rate,
    seeds: runs.length,
    validation_loss: validation.mean!,
    validation_spread: validation.deviation,
    validation_accuracy: seen.mean,
    validation_accuracy_spread: seen.deviation,
    test_loss: test.mean!,
    test_spread: test.deviation,
    accuracy: unseen.mean,
    accuracy_spread: unseen.deviation,
    peak_bytes: Math.max(...runs.map((r) => r.peak_bytes)),
    seconds_per_step: spread(runs.map((r) => r.seconds_per_step)).mean!,
    trainable: first.parameters.trainable,
  }
}

/** Mean, null of none, and standard deviation (n − 1), null of fewer than two. */
export function spread(values: readonly number[]): { mean: number | null; deviation: number | null } {
  if (values.length === 0) return { mean: null, deviation: null }
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length
  if (values.length < 2) return { mean, deviation: null }
  const squares = values.reduce((sum, v) => sum + (v - mean) ** 2, 0)
  return { mean, deviation: Math.sqrt(squares / (values.length - 1)) }
}

function groups<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    found.set(key, [...(found.get(key) ?? []), item])
  }
  return found
}
