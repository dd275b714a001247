import { BfcAllocator, type BfcOptions } from '../allocate/tf-bfc.ts'
import { PHASES, type Phase, type TraceEvent } from '../trace/event.ts'
import { AFTER } from '../trace/reading.ts'
import { type Figures, phaseOf, type Stretch } from './framework.ts'

/** No region was ever refused here: the engine refuses first what its device cannot hold. */
const UNLIMITED: BfcOptions = { limitBytes: 2 ** 46 }

/**
 * A planned run on TensorFlow's BFC allocator: what its statistics count where the framework's figures are read, chunks as large as
 * they were handed out, and the bytes of its regions.
 */
export function inChunks(events: readonly TraceEvent[]): { readonly figures: Figures; readonly reserved: number } {
  const allocator = new BfcAllocator(UNLIMITED)
  const chunks = new Map<number, ReturnType<BfcAllocator['allocate']>>()
  const stretches: Stretch[] = []
  let open: { step: number; phase: TraceEvent['phase']; after: boolean } = { step: 0, phase: 'static', after: false }
  let peak = 0
  const close = (): void => {
    const { step, phase, after } = open
    if (phase !== 'static' && !after) stretches.push({ step, phase, end: allocator.allocated, peak })
  }
  for (const e of events) {
    if (e.action !== 'alloc' && e.action !== 'free') continue
    const after = AFTER.has(e.op)
    if (e.step !== open.step || e.phase !== open.phase || after !== open.after) {
      close()
      open = { step: e.step, phase: e.phase, after }
      peak = allocator.allocated
    }
    if (e.action === 'alloc') {
      chunks.set(e.storage, allocator.allocate(e.bytes))
      peak = Math.max(peak, allocator.allocated)
    } else {
      allocator.release(chunks.get(e.storage) ?? null)
      chunks.delete(e.storage)
    }
  }
  close()
  return { figures: figuresOf(stretches), reserved: allocator.reserved }
}

function figuresOf(stretches: readonly Stretch[]): Figures {
  const last = Math.max(...stretches.map((s) => s.step))
  const of = (step: number): Figures['step'] => {
    // a phase in which nothing was allocated or released stands where the one before it ended
    let end = 0
    const phases = PHASES.map((phase): [Phase, { peak_bytes: number; end_bytes: number }] => {
      const found = phaseOf(stretches, step, phase) ?? { peak: end, end }
      end = found.end
      return [phase, { peak_bytes: found.peak, end_bytes: end }]
    })
    // an entry for each phase
    return Object.fromEntries(phases) as Figures['step']
  }
  return { first_step: of(0), step: of(last) }
}
