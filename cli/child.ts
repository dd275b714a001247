import { serve } from './process/serve.ts'

/** The entry of an engine's own process. The engine is loaded when the request is there. */
serve({
  run: async () => (await import('../planner/run/index.ts')).executeRun,
  probe: async () => (await import('../planner/execute/probe.ts')).probe,
})
