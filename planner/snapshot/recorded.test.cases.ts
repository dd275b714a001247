import type { Alloc, TraceEvent } from '../trace/event.ts'
import { layOut } from './layout.ts'
import type { Frame, Snapshot } from './snapshot.ts'

/** Python's lines as a recording has them: PyTorch's own, then the model's, then the loop's. */
const SITE = '/opt/venv/lib/python3.11/site-packages'
const TRAIN: Frame = { filename: '/home/someone/train.py', line: 41, name: 'main' }

function stackOf(e: TraceEvent): readonly Frame[] {
  if (e.op === 'leaked') return [{ filename: '/home/someone/train.py', line: 57, name: 'log_loss' }, TRAIN]
  if (e.phase === 'optimizer') return [{ filename: `${SITE}/torch/optim/adamw.py`, line: 220, name: 'step' }, TRAIN]
  // the engine's thread has no Python frames
  if (e.phase === 'backward') return []
  return [
    { filename: `${SITE}/torch/nn/functional.py`, line: 1, name: e.op },
    { filename: `${SITE}/transformers/models/llama/modeling_llama.py`, line: 100 + e.op.length, name: 'forward' },
    TRAIN,
  ]
}

/** Of a handle before Hopper; a forward's and a backward's thread have one each. */
const WORKSPACE = 8_519_680

export interface Recording {
  /** A tensor of so many bytes is left behind at the end of each forward. */
  readonly leak?: number
  /** Two workspaces of cuBLAS beside the tensors. */
  readonly workspaces?: boolean
  /** Entries attach the module's path, as `_set_memory_metadata` in a hook does. */
  readonly metadata?: boolean
}

/**
 * What PyTorch would have recorded of simulated steps, had the recording begun when the model was loaded: stacks of Python's lines in
 * place of modules, what lived before as blocks without an entry.
 */
export function recorded(events: readonly TraceEvent[], options: Recording = {}): Snapshot {
  const whole = layOut(
    [...planted(events, options)].map((e) => (options.metadata ? e : { ...e, scope: '' })),
    { framesOf: stackOf },
  )
  const loaded = events.filter((e) => e.phase === 'static' && e.action === 'alloc' && e.bytes > 0).length
  // the segment is there before anything in it
  return { ...whole, traces: whole.traces.map((t) => t.slice(1 + loaded)) }
}

function* planted(events: readonly TraceEvent[], { leak, workspaces }: Recording): Generator<TraceEvent> {
  let next = events.reduce((n, e) => Math.max(n, e.storage), 0) + 1
  const extra = (at: TraceEvent, op: string, bytes: number): Alloc => ({
    ...{ seq: at.seq, step: at.step, phase: at.phase, scope: '', op, storage: next++, bytes },
    ...{ action: 'alloc', axes: [], dtype: 'uint8', device: 'device', category: 'other' },
  })
  let before: TraceEvent | undefined
  for (const e of events) {
    if (before && before.phase !== e.phase) {
      if (workspaces && e.step === 0 && (e.phase === 'forward' || e.phase === 'backward'))
        yield extra(e, 'cublas', WORKSPACE)
      if (leak && e.phase === 'backward') yield extra(e, 'leaked', leak)
    }
    yield e
    before = e
  }
}
