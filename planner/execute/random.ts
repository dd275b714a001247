import type { Position } from '../autograd/runtime.ts'

/** Numbers in [0, 1), the same for a seed on every engine (mulberry32). */
export function stream(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** FNV-1a over a text. */
function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h >>> 0
}

/**
 * Streams for a run's dropouts: by seed, step, pass, scope and how many the scope has had in this phase. A checkpointed region that
 * is computed again in the backward so meets the masks of its forward, as PyTorch does by restoring its generator.
 */
export function dropoutStreams(seed: number, position: Position): () => () => number {
  let now = ''
  const calls = new Map<string, number>()
  return () => {
    const { step, pass, phase, scope } = position
    const place = `${step} ${pass} ${phase}`
    if (place !== now) {
      now = place
      calls.clear()
    }
    const call = calls.get(scope) ?? 0
    calls.set(scope, call + 1)
    return stream(hash(`${seed} ${step} ${pass} ${scope} ${call}`))
  }
}
