import type { TraceEvent } from '../trace/event.ts'
import { layOut } from './layout.ts'
import { type Move, requestedMoves } from './moves.ts'
import type { Frame, Snapshot } from './snapshot.ts'

/** Python's lines as a recording has them: PyTorch's own, then the model's, then the loop's. */
const SITE = '/opt/venv/lib/python3.11/site-packages'
const TRAIN: Frame = { filename: '/home/someone/train.py', line: 41, name: 'main' }
const LEAK = 'leaked'

function stackOf(e: TraceEvent): readonly Frame[] {
  if (e.op === LEAK) return [{ filename: '/home/someone/train.py', line: 57, name: 'log_loss' }, TRAIN]
  if (e.phase === 'optimizer') return [{ filename: `${SITE}/torch/optim/adamw.py`, line: 220, name: 'step' }, TRAIN]
  // the engine's thread has no Python frames
  if (e.phase === 'backward') return []
  return [
    { filename: `${SITE}/torch/nn/functional.py`, line: 1, name: e.op },
    { filename: `${SITE}/transformers/models/llama/modeling_llama.py`, line: 100 + e.op.length, name: 'forward' },
    TRAIN,
  ]
}

export interface Recording {
  readonly steps?: number
  /** A tensor of so many bytes is left behind at the end of each forward. */
  readonly leak?: number
  /** Entries attach the module's path, as `_set_memory_metadata` in a hook does. */
  readonly metadata?: boolean
}

/**
 * What PyTorch would have recorded of training, had the recording begun when the model was loaded: workspaces and buffers beside the
 * storages, stacks of Python's lines in place of modules, what lived before as blocks without an entry.
 *
 * @param events two simulated steps
 */
export const recorded = (events: readonly TraceEvent[], { steps = 4, leak, metadata }: Recording = {}): Snapshot =>
  layOut(
    [...leaking(requestedMoves(events, steps), leak)].map((move) =>
      metadata ? move : { ...move, event: { ...move.event, scope: '' } },
    ),
    { framesOf: stackOf, isRecorded: (e) => e.phase !== 'static' },
  )

function* leaking(moves: Iterable<Move>, bytes: number | undefined): Generator<Move> {
  let before: TraceEvent['phase'] = 'static'
  let left = 0
  for (const move of moves) {
    const { phase } = move.event
    if (bytes !== undefined && before === 'forward' && phase === 'backward')
      yield { storage: 1e9 + left++, bytes, event: { ...move.event, op: LEAK, scope: '' } }
    before = phase
    yield move
  }
}
