/** A stage's turn with a micro-batch. */
export interface Turn {
  readonly do: 'forward' | 'backward'
  readonly microBatch: number
}

/**
 * What a stage does in a step (torch/distributed/pipelining/schedules.py, Schedule1F1B): as many forwards as there are stages from it on,
 * then a backward and a forward in turn, and the backwards that are left.
 */
export function oneForwardOneBackward(stages: number, stage: number, microBatches: number): Turn[] {
  const turns: Turn[] = []
  const warm = Math.min(microBatches, stages - stage)
  for (let i = 0; i < warm; i++) turns.push({ do: 'forward', microBatch: i })
  for (let i = 0; i < microBatches; i++) {
    turns.push({ do: 'backward', microBatch: i })
    if (warm + i < microBatches) turns.push({ do: 'forward', microBatch: warm + i })
  }
  return turns
}
