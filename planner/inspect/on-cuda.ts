import type { Alive, EstimateBody } from '../result/estimate.ts'
import { FUSED_STEP, WITH_STATISTICS } from '../trace/cuda.ts'
import type { TrainSpec } from '../training/spec.ts'
import type { Plan } from './explain.ts'

const COUNT_BYTES = 4

/**
 * A plan as a CUDA device holds it. Live bytes are predicted for what was recorded on a CPU: on a device layer_norm's statistics are
 * float32, and a fused AdamW's step counts lie there too (planner/trace/cuda.ts, which says it of requests). Allocated
 * bytes are taken to be blocks of the same storages, as they are where no allocator was replayed.
 *
 * @param block bytes of the block for a storage of so many
 */
export function onCuda({ train, body, predict }: Plan, block: (bytes: number) => number): Plan {
  return {
    train,
    body: bodyOnCuda(body, train, block),
    predict: (other) => bodyOnCuda(predict(other), other, block),
  }
}

function bodyOnCuda(body: EstimateBody, train: TrainSpec, block: (bytes: number) => number): EstimateBody {
  const before = body.peak.alive
  const alive = [...before.map(asFloat), ...stepCounts(body, train)]
  const blocks = (rows: readonly Alive[]): number => sum(rows, (a) => a.count * block(a.bytes / a.count))
  const live = sum(alive, bytesOf) - sum(before, bytesOf)
  const { allocated, reserved } = body.tiers
  // a replayed allocator was asked for them
  const more = reserved === null ? blocks(alive) - blocks(before) : 0
  return {
    ...body,
    peak: { ...body.peak, bytes: body.peak.bytes + live, alive },
    tiers: {
      ...body.tiers,
      live: body.tiers.live + live,
      allocated: allocated && { ...allocated, bytes: allocated.bytes + more },
    },
  }
}

/** Of layer_norm's results the statistics are a number a row of the input. */
function asFloat(a: Alive): Alive {
  const isHalf = a.op === WITH_STATISTICS && /^2(?:·(?:b|t|s))*$/.test(a.monomial)
  return isHalf ? { ...a, bytes: 2 * a.bytes, monomial: a.monomial.replace('2', '4') } : a
}

function stepCounts({ parameters }: EstimateBody, train: TrainSpec): Alive[] {
  const count = parameters.trainable_tensors
  if (train.optimizer !== 'adamw' || train.optimizerImpl !== 'fused' || count === 0) return []
  const row = { scope: '', category: 'optimizer state', op: FUSED_STEP, monomial: String(COUNT_BYTES) } as const
  return [{ ...row, bytes: COUNT_BYTES * count, count, why: [] }]
}

const bytesOf = (a: Alive): number => a.bytes

const sum = (rows: readonly Alive[], of: (a: Alive) => number): number => rows.reduce((n, a) => n + of(a), 0)
