import { serve } from '../process/serve.ts'
import { engineMissing, never } from './stand-ins.ts'

/** A run's process without an engine: what it does is said by the model's name. */
serve(async () => async (request, { onProgress, onTrace }) => {
  onProgress({ phase: 'forward', step: 1, of: request.steps })
  onTrace?.('{"seq":1}')
  switch (request.model.name) {
    case 'crash':
      console.error('the heap is full')
      return process.exit(7)
    case 'busy':
      for (;;) Math.sqrt(2)
    case 'no-engine':
      throw engineMissing()
    case 'fail':
      throw new Error('the loss is not a number')
    default:
      return never()
  }
})
