import type { InputSpec } from '../network/network.ts'
import type { Parameter } from '../ops/ops.ts'
import { numel } from '../trace/axes.ts'

/** A stream of numbers in [0, 1) that is the same for a seed on every machine (mulberry32). */
export function randomStream(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** First values of a parameter or buffer, by its declared start; its own stream, so that methods share the base's weights. */
export function initialValues(p: Parameter, seed: number): Float32Array | Int32Array {
  const n = numel(p.axes)
  const values = p.dtype === 'int64' ? new Int32Array(n) : new Float32Array(n)
  const { init } = p
  if (init.kind === 'constant') return values.fill(init.value)
  if (init.kind === 'arange') return values.map((_, i) => i)
  if (init.kind === 'inverse_frequencies') return values.map((_, i) => init.theta ** (-i / n))
  const random = randomStream(hash(p.path.replace('.base_layer', '')) ^ seed)
  if (init.kind === 'uniform') {
    for (let i = 0; i < n; i++) values[i] = (2 * random() - 1) * init.bound
    return values
  }
  for (let i = 0; i < n; i += 2) {
    // Box and Muller: two normal numbers from two even ones.
    const radius = init.std * Math.sqrt(-2 * Math.log(1 - random()))
    const angle = 2 * Math.PI * random()
    values[i] = radius * Math.cos(angle)
    if (i + 1 < n) values[i + 1] = radius * Math.sin(angle)
  }
  return values
}

/**
 * Token ids and labels of one batch: numbers below the vocabulary (or the number of classes), the same for a seed. A padded batch's
 * mask hides the end of each row, of a later one more; labels there are ignored.
 */
export function batchValues(spec: InputSpec, limit: number, seed: number, padded = false): Int32Array {
  const [rows, tokens] = [spec.axes[0]!.size, spec.axes[1]?.size ?? 1]
  const kept = (row: number): number => tokens - Math.floor((tokens * (row + 1)) / (2 * (rows + 1)))
  const real = (i: number): boolean => i % tokens < kept(Math.floor(i / tokens))
  const values = new Int32Array(numel(spec.axes))
  if (spec.name === 'attention_mask') return values.map((_, i) => (real(i) ? 1 : 0))
  const random = randomStream(hash(spec.name) ^ seed)
  // 0, 1 and 2 are the padding and sentence marks of the catalog's tokenizers: a batch without padding has none.
  const least = limit > 16 ? 3 : 0
  const ignored = padded && spec.name === 'labels' && spec.axes.length === 2
  return values.map((_, i) => {
    const drawn = least + Math.floor(random() * (limit - least))
    return ignored && !real(i) ? IGNORED : drawn
  })
}

/** The label that a loss passes over. */
const IGNORED = -100

function hash(text: string): number {
  let h = 2166136261
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619)
  return h >>> 0
}
