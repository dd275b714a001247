import type { Runner } from './process/messages.ts'
import { serve } from './process/serve.ts'

/** The entry of a run's own process. The engine is loaded when the request is there. */
serve(async () => {
  // the run is not part of this bundle: its packages stay where npm put them
  const runner: { executeRun: Runner } = await import(new URL('../planner/run/index.js', import.meta.url).href)
  return runner.executeRun
})
