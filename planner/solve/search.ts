import { allocatorRoom, fitsOnDevice } from '../predict/index.ts'
import type { TrainingOptions } from '../training/options.ts'
import type { TrainSpec } from '../training/spec.ts'
import { type Candidate, Candidates } from './candidate.ts'
import { LEVER, LEVERS, type LeverName, optionsOf } from './lever.ts'
import type { Place } from './maximize.ts'
import { front } from './pareto.ts'

/** What one lever does on the way from the setting that was asked for. */
export interface Step {
  readonly lever: LeverName
  readonly from: string
  readonly to: string
  /** Bytes of the allocator's blocks at the peak that it adds; negative where it saves. */
  readonly bytes: number
  /** Time after it by time before it. */
  readonly time: number
}

/** A setting that fits. */
export interface Option extends Candidate {
  readonly steps: readonly Step[]
  /** Time by that of the setting that was asked for. */
  readonly relativeTime: number
}

export interface Search {
  /** The setting that was asked for. */
  readonly asked: Candidate
  readonly fits: boolean
  /** Settings that were looked at, and those whose blocks alone leave room. */
  readonly searched: number
  readonly possible: number
  /** Settings that fit and that no other one beats in memory, time and trainable parameters: fewest changes first. */
  readonly options: readonly Option[]
}

export interface SearchOptions {
  /** Levers that stay as they are; `all` looks at the setting itself only. */
  readonly fixed: ReadonlySet<LeverName> | 'all'
  /** Options to return at most. */
  readonly top: number
  readonly onProgress?: (done: number, of: number) => void
}

/**
 * Goes through every combination of levers and keeps the settings whose steps succeed on the device and which no other one beats.
 * Bytes are simulated; time is a formula over counted work and the device's peak rates.
 *
 * @throws Refusal where the setting that was asked for is not modelled
 */
export function search(place: Place, asked: TrainSpec, options: SearchOptions): Search {
  const candidates = new Candidates(place)
  const combinations = combinationsOf(place, asked, options.fixed)
  const found: Candidate[] = []
  let first: Candidate | null = null
  combinations.forEach(({ settings, changed }, i) => {
    if (i % 64 === 0) options.onProgress?.(i, combinations.length)
    const made = candidates.of(settings, changed)
    if (made === null) return
    if (changed.length === 0) first = made
    found.push(made)
  })
  options.onProgress?.(combinations.length, combinations.length)
  const start: Candidate = first ?? candidates.demanded(optionsOf(asked))
  const room = allocatorRoom(place.gpu)
  const possible = found.filter(({ peak }) => peak.blocks <= room)
  const fits = memoized((c: Candidate) => fitsOnDevice(place.model, c.train, place.stack, place.gpu, place.config))
  const best = ranked(fittingFront(possible, fits), start).slice(0, options.top)
  return {
    asked: start,
    fits: fits(start),
    searched: found.length,
    possible: possible.length,
    options: best.map((c) => ({
      ...c,
      steps: stepsTo(c, start, candidates),
      relativeTime: c.seconds / start.seconds,
    })),
  }
}

interface Combination {
  readonly settings: TrainingOptions
  readonly changed: readonly LeverName[]
}

/** All combinations of what each lever offers, the setting itself first. */
function combinationsOf({ model }: Place, asked: TrainSpec, fixed: SearchOptions['fixed']): Combination[] {
  let all: Combination[] = [{ settings: optionsOf(asked), changed: [] }]
  for (const name of LEVERS) {
    if (fixed === 'all' || fixed.has(name)) continue
    const own = LEVER[name].said(asked)
    const others = LEVER[name].others(asked, model).filter((o) => !Object.values(o).every((v) => String(v) === own))
    all = all.flatMap((c) => [
      c,
      ...others.map((o) => ({ settings: { ...c.settings, ...o }, changed: [...c.changed, name] })),
    ])
  }
  return all
}

/** The front of those that fit: what the replay refuses is taken out, and what it had beaten comes in. */
function fittingFront(possible: readonly Candidate[], fits: (c: Candidate) => boolean): Candidate[] {
  let left = possible
  for (;;) {
    const best = front(left)
    const failing = new Set(best.filter((c) => !fits(c)))
    if (failing.size === 0) return best
    left = left.filter((c) => !failing.has(c))
  }
}

/** Fewest changes first, then the least time, then the most that trains. */
const ranked = (options: readonly Candidate[], start: Candidate): Candidate[] =>
  [...options].sort(
    (a, b) =>
      a.changed.length - b.changed.length ||
      a.seconds / start.seconds - b.seconds / start.seconds ||
      b.parameters.trainable - a.parameters.trainable,
  )

/** One lever after another, each with what it does where the ones before it are pulled. */
function stepsTo({ train, changed }: Candidate, start: Candidate, candidates: Candidates): Step[] {
  const whole = optionsOf(train)
  let before = start
  let settings = optionsOf(start.train)
  return changed.map((lever) => {
    settings = { ...settings, ...pick(whole, KEYS[lever]) }
    const after = candidates.of(settings, [])
    const step = {
      lever,
      from: LEVER[lever].said(start.train),
      to: LEVER[lever].said(train),
      bytes: after ? after.peak.blocks - before.peak.blocks : 0,
      time: after ? after.seconds / before.seconds : 1,
    }
    before = after ?? before
    return step
  })
}

/** The options that a lever sets. */
const KEYS: Readonly<Record<LeverName, readonly (keyof TrainingOptions)[]>> = {
  method: ['method'],
  quantize: ['quantize', 'prepare_kbit'],
  targets: ['target_modules'],
  rank: ['rank'],
  dtype: ['dtype'],
  attention: ['attention'],
  checkpointing: ['gradient_checkpointing'],
  optimizer: ['optimizer', 'optimizer_impl'],
  'fused-loss': ['fused_loss'],
  'micro-batch': ['batch_size', 'gradient_accumulation'],
}

const pick = (options: TrainingOptions, keys: readonly (keyof TrainingOptions)[]): TrainingOptions =>
  Object.fromEntries(keys.map((key) => [key, options[key]]))

function memoized<K extends object>(of: (key: K) => boolean): (key: K) => boolean {
  const known = new WeakMap<K, boolean>()
  return (key) => {
    const value = known.get(key) ?? of(key)
    known.set(key, value)
    return value
  }
}
