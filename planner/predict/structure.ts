import type { ModelSpec } from '../../models/spec.ts'
import type { TrainSpec } from '../training/spec.ts'

/** Symbols of the sizes that may differ within a structure: batch, tokens (the decoder's and the encoder's) and rank. */
export const SIZES: ReadonlySet<string> = new Set(['b', 't', 's', 'r', 't32', 's32'])

/** A setting's sizes by symbol. `t32` is `t` up to a multiple of 32, as attention kernels pad their rows. */
export function sizesOf(train: TrainSpec): Record<string, number> {
  const sizes: Record<string, number> = { b: train.batch, t: train.tokens, t32: up32(train.tokens) }
  if (train.task === 'seq2seq-lm') {
    const [s, t] = [train.tokens, train.targetTokens]
    Object.assign(sizes, { s, t, s32: up32(s), t32: up32(t) })
  }
  if (train.adapter) sizes.r = train.adapter.rank
  return sizes
}

const up32 = (n: number): number => Math.ceil(n / 32) * 32

/**
 * What decides the events of a setting but for their sizes: two settings with one key run the same operations on tensors of the
 * same axes. Of the sizes themselves that is where they are one (an axis of one element has no stride, and is broadcast), where
 * two of them are equal, and on which side of a window the tokens are. A fused loss cuts its tokens into chunks: there each
 * number of tokens is a structure of its own.
 */
export function structureKey(model: ModelSpec, train: TrainSpec): string {
  const { batch, tokens, targetTokens, accumulation, adapter, ...rest } = train
  const classes = [sizeClass(batch), lengthClass(model, tokens), sizeClass(targetTokens), tokens === targetTokens]
  const whole = train.fusedLoss ? [batch, tokens] : []
  const shape = adapter && { ...adapter, rank: sizeClass(adapter.rank) }
  // From the second micro-step on all are alike.
  return JSON.stringify([classes, whole, rest, shape, Math.min(accumulation, 2)])
}

/** `t - 1` of two tokens is one. */
const sizeClass = (n: number): number => Math.min(n, 3)

function lengthClass(model: ModelSpec, tokens: number): string {
  const window = 'slidingWindow' in model ? model.slidingWindow : null
  // a window of the tokens themselves may or may not hide something, and one more is the same on both sides of a token
  const side = window === null ? 0 : Math.max(-1, Math.min(2, tokens - window))
  return `${sizeClass(tokens)} ${side}`
}

/** Sizes to try: no two of one setting alike, nor alike when rounded up to what kernels align to. */
const BATCHES = [3, 4, 7, 8]
const LENGTHS = [37, 128, 5, 8, 3, 4]
const TARGETS = [91, 192, 6, 10, 4, 3]
const RANKS = [11, 16, 5, 9]

/** Other settings of the same structure, as different in their sizes as it allows: what holds for them holds for all. */
export function probesOf(model: ModelSpec, train: TrainSpec): TrainSpec[] {
  const key = structureKey(model, train)
  const window = ('slidingWindow' in model && model.slidingWindow) || 0
  const lengths = [...LENGTHS, ...LENGTHS.map((n) => window + n)]
  /** The n-th of the values that stay within the structure, itself where none does. */
  const other = (n: number, values: readonly number[], change: (value: number) => TrainSpec): TrainSpec => {
    const changed = values.map(change).filter((t) => structureKey(model, t) === key)
    return changed[n % Math.max(1, changed.length)] ?? train
  }
  const probes = [0, 1].map((n): TrainSpec => {
    const batch = other(n, without(BATCHES, train.batch), (batch) => ({ ...train, batch }))
    const alike = train.tokens === train.targetTokens
    const length = other(n, without(lengths, train.tokens), (tokens) =>
      alike ? { ...train, tokens, targetTokens: tokens } : { ...train, tokens },
    )
    const target = alike
      ? length
      : other(n, without(TARGETS, train.targetTokens), (targetTokens) => ({ ...train, targetTokens }))
    const { adapter } = train
    const rank =
      adapter && other(n, without(RANKS, adapter.rank), (rank) => ({ ...train, adapter: { ...adapter, rank } }))
    return {
      ...train,
      batch: batch.batch,
      tokens: length.tokens,
      targetTokens: target.targetTokens,
      adapter: rank ? rank.adapter : adapter,
    }
  })
  const shapeOf = ({ batch, tokens, targetTokens }: TrainSpec) => `${batch} ${tokens} ${targetTokens}`
  const [first, second] = [probes[0]!, probes[1]!]
  // where a structure allows one shape only, another rank is all there is to try
  if (shapeOf(first) !== shapeOf(second)) return [first, second]
  return first.adapter?.rank === train.adapter?.rank && shapeOf(first) === shapeOf(train) ? [] : [first]
}

const without = (values: readonly number[], value: number): number[] => values.filter((v) => v !== value)
