/** The planner as a library: pure TypeScript, runs in a browser as well. Runs on an engine are `executeRun` in planner/run. */
export { networkOf } from './network/index.ts'
export type { Network } from './network/network.ts'
export {
  DEFAULT_STACK,
  type Gpu,
  predict,
  predictOnDevice,
  resolveStack,
  STACKS,
  type Stack,
  savingsOf,
  simulate,
} from './predict/index.ts'
export type { CompareResult } from './result/compare.ts'
export type { EstimateBody, EstimateResult } from './result/estimate.ts'
export type { Executed, RunResult } from './result/run.ts'
export { formatBytes, parseBytes } from './trace/bytes.ts'
export { Refusal } from './trace/errors.ts'
export type { TraceEvent } from './trace/event.ts'
export { resolveTraining } from './training/resolve.ts'
export type { TrainSpec } from './training/spec.ts'
