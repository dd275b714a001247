import type { EstimateBody } from '../../planner/result/estimate.ts'
import type { Executed } from '../../planner/result/run.ts'
import type { Reportable } from '../view-model.ts'
import { thin } from './thin.ts'

const BUCKETS = 48

/** The same document with its timelines thinned, which are most of its size. Every other figure is as it was. */
export function embeddable(result: Reportable): Reportable {
  switch (result.schema) {
    case 'tidemark/estimate@1':
      return { ...result, result: thinBody(result.result) }
    case 'tidemark/compare@1': {
      const methods = result.result.methods.map(({ executed, ...m }) => {
        const estimate = thinBody(m.estimate)
        return executed ? { ...m, estimate, executed: thinExecuted(executed) } : { ...m, estimate }
      })
      return { ...result, result: { ...result.result, methods } }
    }
    case 'tidemark/plan@1':
    case 'tidemark/study@1':
      return result
    case 'tidemark/run@1':
      return { ...result, result: { ...result.result, executed: thinExecuted(result.result.executed) } }
  }
}

const thinBody = (body: EstimateBody): EstimateBody => ({ ...body, timeline: [...thin(body.timeline, BUCKETS)] })

function thinExecuted(e: Executed): Executed {
  const measured = { ...e.measured, timeline: [...thin(e.measured.timeline, BUCKETS)] }
  return { ...e, predicted: thinBody(e.predicted), measured }
}
