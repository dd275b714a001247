import { writeSync } from 'node:fs'
import type { Runner } from '../process/messages.ts'
import { serve } from '../process/serve.ts'
import { engineMissing, never } from './stand-ins.ts'

/** An engine's process without an engine: what it does is said by the model's name, and a probe does what the engine's name says. */
const run: Runner = async (request, { onProgress, onTrace }) => {
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
}

/** As the dynamic linker ends a process. */
function broken(): never {
  writeSync(2, 'symbol lookup error: libtensorflow.so: undefined symbol: _ZN3tsl')
  return process.exit(127)
}

serve({
  run: async () => run,
  study: async () => never,
  probe: async () => (name) => (name === 'cpu' ? never() : broken()),
})
