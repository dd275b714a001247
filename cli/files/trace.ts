import type { ModelSpec } from '../../models/spec.ts'
import { type Stack, simulate } from '../../planner/predict/index.ts'
import type { TrainSpec } from '../../planner/training/spec.ts'
import { toolVersion } from '../version.ts'
import { OutputFile } from './write.ts'

/** Lines are gathered to so many before they are written. */
const BATCH = 4096

/** Simulates a setting once more, every layer, and writes its events as JSON Lines: a header, then the first step and a steady one. */
export function writePredictedTrace(path: string, model: ModelSpec, train: TrainSpec, stack: Stack): void {
  const { events } = simulate(model, train, stack.dialect, { library: stack.library, steps: 2 })
  const header = {
    schema: 'tidemark/trace@1',
    kind: 'predicted',
    runtime: stack.name,
    tool: toolVersion(),
    model: model.name,
    train,
  }
  const file = new OutputFile(path)
  try {
    file.write(`${JSON.stringify(header)}\n`)
    for (let i = 0; i < events.length; i += BATCH) {
      file.write(
        events
          .slice(i, i + BATCH)
          .map((e) => `${JSON.stringify(e)}\n`)
          .join(''),
      )
    }
    file.finish()
  } catch (error) {
    file.abandon()
    throw error
  }
}
