import type { StudyRow, StudyRun } from '../result/study.ts'

/** The runs of each method, rank and learning rate over their seeds. */
export function rowsOf(runs: readonly StudyRun[]): StudyRow[] {
  return [...groups(runs, (r) => `${r.method} ${r.rank} ${r.learning_rate}`).values()].map(rowOf)
}

/** Of each method and rank the learning rate with the lowest validation loss: the test part takes no part in the choice. */
export function bestRows(runs: readonly StudyRun[]): StudyRow[] {
  const rows = groups(rowsOf(runs), (r) => `${r.method} ${r.rank}`)
  return [...rows.values()].map((of) => of.reduce((a, b) => (b.validation_loss < a.validation_loss ? b : a)))
}

function rowOf(runs: readonly StudyRun[]): StudyRow {
  const first = runs[0]!
  const accuracies = runs.flatMap((r) => r.test.accuracy ?? [])
  const validation = spread(runs.map((r) => r.validation.loss))
  const test = spread(runs.map((r) => r.test.loss))
  const accuracy = spread(accuracies)
  return {
    method: first.method,
    rank: first.rank,
    learning_rate: first.learning_rate,
    seeds: runs.length,
    validation_loss: validation.mean,
    validation_spread: validation.deviation,
    test_loss: test.mean,
    test_spread: test.deviation,
    accuracy: accuracies.length === 0 ? null : accuracy.mean,
    accuracy_spread: accuracies.length === 0 ? null : accuracy.deviation,
    peak_bytes: Math.max(...runs.map((r) => r.peak_bytes)),
    seconds_per_step: spread(runs.map((r) => r.seconds_per_step)).mean,
    trainable: first.parameters.trainable,
  }
}

/** Mean and standard deviation (n − 1); null of fewer than two. */
function spread(values: readonly number[]): { mean: number; deviation: number | null } {
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
