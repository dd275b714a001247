import { Refusal } from '../trace/errors.ts'
import type { Total } from './totals.ts'

/**
 * The peak of allocated bytes that a Trainer with `skip_memory_metrics=False` wrote (transformers/trainer_utils.py, TrainerMemoryTracker):
 * what was there before its `__init__`, what that added, and the two deltas of training, whose sum is what training needed at the most.
 *
 * @param value `all_results.json`, `train_results.json` or `trainer_state.json`
 * @throws Refusal `trainer-metrics` where a figure is missing
 */
export function trainerPeak(value: unknown, where: string): Total {
  const metrics = metricsIn(value)
  const figure = (key: string): number => {
    const found = metrics?.[key]
    if (typeof found === 'number' && Number.isFinite(found)) return found
    const message = metrics ? `has no ${key}` : 'has no train_mem_gpu_peaked_delta: the Trainer did not track memory'
    const next = 'Train with TrainingArguments(skip_memory_metrics=False) and psutil installed; save_metrics writes it.'
    throw new Refusal('trainer-metrics', where, message, next)
  }
  // the first to be missing where nothing was tracked
  const peaked = figure('train_mem_gpu_peaked_delta')
  const bytes =
    figure('before_init_mem_gpu') + figure('init_mem_gpu_alloc_delta') + figure('train_mem_gpu_alloc_delta') + peaked
  return { tier: 'allocated', bytes, basis: 'measured: max_memory_allocated of training, by the Trainer' }
}

type Metrics = Readonly<Record<string, unknown>>

const isRecord = (v: unknown): v is Metrics => v !== null && typeof v === 'object' && !Array.isArray(v)

/** Metrics stand at the top, or in the last entry of a state's log. */
function metricsIn(value: unknown): Metrics | null {
  if (!isRecord(value)) return null
  const log = Array.isArray(value.log_history) ? value.log_history.filter(isRecord) : []
  return [value, ...log.reverse()].find((m) => 'train_mem_gpu_peaked_delta' in m) ?? null
}
