import type { ModelSpec } from '../../models/spec.ts'
import type { Alive } from '../result/estimate.ts'
import { Replay, steadyStep } from '../trace/reading.ts'
import { aliveTable, kindsOf } from '../trace/tables.ts'
import type { TrainSpec } from '../training/spec.ts'
import { fullTrace } from './expand.ts'
import type { Stack } from './stack.ts'

/**
 * What is alive at a point of a prediction's timeline, largest first; bytes of a line are those of all its storages. It goes through
 * every layer's events, which takes longer than the prediction did.
 *
 * @param seq the point's first field: the instant is the one before that event
 */
export function aliveAt(model: ModelSpec, train: TrainSpec, stack: Stack, seq: number): Alive[] {
  const replay = new Replay()
  for (const e of steadyStep(fullTrace(model, train, stack))) {
    if (e.phase !== 'static' && e.seq >= seq) break
    replay.apply(e)
  }
  return [...aliveTable(kindsOf(replay.live.values())).values()].sort((a, b) => b.bytes - a.bytes)
}
