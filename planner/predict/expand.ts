import type { ModelSpec } from '../../models/spec.ts'
import { axis } from '../trace/axes.ts'
import type { TraceEvent } from '../trace/event.ts'
import { placeOf } from '../trace/scope.ts'
import type { TrainSpec } from '../training/spec.ts'
import { byTurn, type Depths, isWorthwhile, Runs } from './depths.ts'
import { line } from './growth.ts'
import type { Stretch } from './repetition.ts'
import type { Stack } from './stack.ts'

/**
 * Every event of the first and the steady step, layer by layer: what `simulate` writes, worked out from a few layers where the
 * events repeat with them. Storages are numbered and layers named as there. Throws `Refusal` for what is not modelled.
 */
export function fullTrace(model: ModelSpec, train: TrainSpec, stack: Stack): readonly TraceEvent[] {
  const runs = new Runs(model, train, stack)
  // layers of several kinds refer to tensors of their own, even where their events are alike
  const depth = byTurn(runs.model, runs.train)
  const expanded = depth && isWorthwhile(depth) ? expand(runs.at(depth)) : null
  return expanded ?? runs.whole().events
}

/**
 * The events of all layers. Numbers of storages and layers grow evenly with the depth and along the blocks, so three events tell all of
 * them. Null where the longer trace does not repeat the shorter, or where what comes out is no account of a step: a storage
 * numbered out of turn, or used when it is not alive.
 */
export function expand({
  short: { events: short },
  long: { events: long },
  stretches,
  more,
}: Depths): TraceEvent[] | null {
  if (!stretches) return null
  const trace: TraceEvent[] = []
  for (const stretch of stretches) {
    const [[from, to], [longFrom, longTo], { at }] = [stretch.short, stretch.long, stretch]
    for (let i = from; i < at; i++) trace.push(placed(short[i]!, long[longFrom + i - from]!, more, trace.length))
    insertBlocks(trace, short, long, stretch, more)
    for (let i = at; i < to; i++) trace.push(placed(short[i]!, long[longTo - (to - i)]!, more, trace.length))
  }
  return isAccount(trace) ? trace : null
}

/** An event outside the inserted blocks, `more` layers on from `a`; `b` is one on. */
function placed(a: TraceEvent, b: TraceEvent, more: number, seq: number): TraceEvent {
  const [p, q] = [placeOf(a.scope), placeOf(b.scope)]
  const scope = p === q ? a.scope : p.pattern.at(p.layer + more * (q.layer - p.layer))
  const storage = a.storage + more * (b.storage - a.storage)
  const grown = withPlace(a, seq, scope, storage)
  return a.bytes === b.bytes ? grown : widened(grown, a, b, more)
}

/** An event of a storage whose bytes grow with the layers. */
function widened(e: TraceEvent, a: TraceEvent, b: TraceEvent, more: number): TraceEvent {
  const bytes = line(a.bytes, b.bytes, more)
  if (e.action !== 'alloc' || a.action !== 'alloc' || b.action !== 'alloc') return { ...e, bytes }
  const axes = a.axes.map(({ name, size }, i) => axis(name, line(size, b.axes[i]!.size, more)))
  return { ...e, bytes, axes }
}

/** The blocks that come in, first to last: the shorter trace's own block is the last of all, and follows. */
function insertBlocks(
  trace: TraceEvent[],
  short: readonly TraceEvent[],
  long: readonly TraceEvent[],
  { short: [from], long: [longFrom], at, block }: Stretch,
  more: number,
): void {
  // In the longer trace the block stands here, and its next copy one block on.
  const first = longFrom + at - from
  const copies = Array.from({ length: block }, (_, o) => {
    const [a, b, next] = [short[at + o]!, long[first + o]!, long[first + block + o]!]
    const [p, q, r] = [placeOf(a.scope), placeOf(b.scope), placeOf(next.scope)]
    return {
      event: a,
      storage: a.storage + more * (b.storage - a.storage),
      storageStep: next.storage - b.storage,
      pattern: p.layer < 0 ? null : p.pattern,
      layer: p.layer + more * (q.layer - p.layer),
      layerStep: r.layer - q.layer,
    }
  })
  for (let copy = 0; copy < more; copy++) {
    for (const { event, storage, storageStep, pattern, layer, layerStep } of copies) {
      const scope = pattern ? pattern.at(layer + copy * layerStep) : event.scope
      trace.push(withPlace(event, trace.length, scope, storage + copy * storageStep))
    }
  }
}

/** The event with its place in the whole. Written out by action: one shape each keeps reading them fast. */
function withPlace(e: TraceEvent, seq: number, scope: string, storage: number): TraceEvent {
  const { step, phase, op, bytes } = e
  switch (e.action) {
    case 'alloc': {
      const { axes, dtype, device, category, stream } = e
      const alloc = {
        seq,
        step,
        phase,
        scope,
        op,
        action: 'alloc',
        storage,
        bytes,
        axes,
        dtype,
        device,
        category,
      } as const
      return stream ? { ...alloc, stream } : alloc
    }
    case 'save': {
      const { why, axes, dtype } = e
      return { seq, step, phase, scope, op, action: 'save', storage, bytes, why, axes, dtype }
    }
    case 'retag':
      return { seq, step, phase, scope, op, action: 'retag', storage, bytes, category: e.category }
    default:
      return { seq, step, phase, scope, op, action: e.action, storage, bytes }
  }
}

/** Storages are numbered as they come, and every other event is of one that lives, of so many bytes. */
function isAccount(trace: readonly TraceEvent[]): boolean {
  /** Bytes of what lives, by number. */
  const alive: number[] = []
  for (const { action, storage, bytes } of trace) {
    if (action === 'alloc') {
      if (storage !== alive.length) return false
      alive.push(bytes)
    } else {
      if (alive[storage] !== bytes) return false
      if (action === 'free') alive[storage] = -1
    }
  }
  return true
}
