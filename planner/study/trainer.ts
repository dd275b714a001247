import { adamW, type Engine, Executor, loraFa, type Optimizer } from '../execute/index.ts'
import type { Network } from '../network/network.ts'
import type { Parameter } from '../ops/ops.ts'
import type { Score, StudyRun } from '../result/study.ts'
import type { TrainSpec } from '../training/spec.ts'
import { trainStep } from '../training/step.ts'
import { Diverged } from './diverged.ts'
import { evaluate } from './evaluate.ts'
import { LiveBytes } from './live-bytes.ts'
import { LoadedBatch } from './loaded-batch.ts'
import { streamOf } from './random.ts'
import { linearSchedule } from './schedule.ts'
import type { BatchValues, Sampler } from './tasks.ts'

/** What one training needs. */
export interface Training {
  readonly engine: Engine
  readonly network: Network
  /** The same without dropout. */
  readonly still: Network
  readonly train: TrainSpec
  readonly learningRate: number
  readonly steps: number
  /** Steps from one evaluation to the next. */
  readonly every: number
  /** Of the order of batches and of dropout. */
  readonly seed: number
  readonly start: (p: Parameter) => ArrayLike<number>
  readonly draw: Sampler
  readonly validation: readonly BatchValues[]
  readonly test: readonly BatchValues[]
  readonly onStep?: () => void
}

export interface Trained {
  readonly curve: StudyRun['curve']
  readonly validation: Score
  readonly test: Score
  readonly peakBytes: number
  /** Median; 0 without steps. */
  readonly secondsPerStep: number
  /** All parameters after the last step, by path. */
  readonly weights: ReadonlyMap<string, Float32Array>
}

/**
 * Trains on an engine, and looks at validation batches on the way. Deterministic for a seed and an engine.
 *
 * @throws Diverged where the loss is no number
 */
export async function trainOn(t: Training): Promise<Trained> {
  const live = new LiveBytes()
  const executor = new Executor({ engine: t.engine, seed: t.seed, sink: live.sink })
  try {
    executor.materialize([...t.network.parameters, ...t.network.buffers], t.start)
    const random = streamOf('batches', t.seed)
    const loaded = new LoadedBatch(executor, t.network, t.draw(streamOf('first batch', t.seed)))
    const optimizer = optimizerOf(executor, t)
    const curve: StudyRun['curve'] = []
    const seconds: number[] = []
    const score = async (batches: readonly BatchValues[], step: number): Promise<Score> => {
      live.counting = false
      const found = await evaluate(executor, t.still, loaded, batches)
      live.counting = true
      return { ...found, loss: finite(found.loss, step) }
    }
    const finite = (loss: number, step: number): number => {
      if (!Number.isFinite(loss)) throw new Diverged(step, t.learningRate)
      return loss
    }
    curve.push({ step: 0, training_loss: null, validation: await score(t.validation, 0) })
    let losses: number[] = []
    for (let step = 0; step < t.steps; step++) {
      const started = performance.now()
      loaded.fill(t.draw(random))
      for (const loss of trainStep(executor, t.network, loaded.tensors, optimizer, step)) {
        losses.push(finite(Number((await executor.read(loss))[0]), step + 1))
      }
      seconds.push((performance.now() - started) / 1000)
      t.onStep?.()
      if ((step + 1) % t.every !== 0 && step + 1 !== t.steps) continue
      const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length
      curve.push({ step: step + 1, training_loss: mean, validation: await score(t.validation, step + 1) })
      losses = []
      // lets messages out
      await new Promise((resume) => setTimeout(resume, 0))
    }
    return {
      curve,
      validation: curve.at(-1)!.validation,
      test: await score(t.test, t.steps),
      peakBytes: live.peak,
      secondsPerStep: median(seconds),
      weights: await weightsOf(executor, t.network),
    }
  } finally {
    executor.close()
  }
}

/** Weight decay is off for all: LoRA-FA's would shrink B alone. */
function optimizerOf(executor: Executor, { train, network, learningRate, steps }: Training): Optimizer {
  const lr = linearSchedule(learningRate, steps)
  const { adapter } = train
  if (train.optimizer !== 'lorafa' || adapter === null) return adamW(executor, { lr, weightDecay: 0 })
  const scaling = adapter.alpha / (adapter.rslora ? Math.sqrt(adapter.rank) : adapter.rank)
  return loraFa(executor, { lr, scaling, parameters: network.parameters })
}

async function weightsOf(executor: Executor, network: Network): Promise<Map<string, Float32Array>> {
  const weights = new Map<string, Float32Array>()
  for (const p of network.parameters) weights.set(p.path, Float32Array.from(await executor.read(executor.parameter(p))))
  return weights
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
