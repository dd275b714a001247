import { serve } from './process/serve.ts'

/** The entry of a run's own process. The engine is loaded when the request is there. */
serve(async () => (await import('../planner/run/index.ts')).executeRun)
