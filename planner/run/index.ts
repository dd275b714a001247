export { type Divergence, divergence } from './equality.ts'
export { executeRun, type RunHooks } from './run.ts'
export { type ExecutedSetting, executedSetting, type RunRequest } from './setting.ts'
