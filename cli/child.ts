import { serve } from './process/serve.ts'

/** The entry of an engine's own process. The engine is loaded when the request is there. */
serve({
  run: async () => (await import('../planner/run/index.ts')).executeRun,
  study: async () => (await import('./study/work.ts')).runStudy,
  probe: async () => (await import('../planner/execute/probe.ts')).probe,
})
