/** Share of the steps over which the rate rises. */
const WARMUP = 0.05

/**
 * The learning rate of a step, counted from 1: it rises to its height over the first steps and falls to nothing at the end
 * (transformers/optimization.py, get_linear_schedule_with_warmup).
 */
export function linearSchedule(height: number, steps: number): (step: number) => number {
  const rise = Math.max(1, Math.round(WARMUP * steps))
  return (step) => (step <= rise ? (height * step) / rise : (height * (steps - step + 1)) / (steps - rise + 1))
}
