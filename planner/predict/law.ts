import type { ModelSpec } from '../../models/spec.ts'
import {
  addTo,
  constant,
  type Dimensions,
  degree,
  evaluate,
  type Polynomial,
  product,
  readName,
  withSize,
  write,
} from '../formula/polynomial.ts'
import type { LawBranches } from '../result/estimate.ts'
import type { Axis } from '../trace/axes.ts'
import { ITEMSIZE } from '../trace/dtype.ts'
import { Refusal } from '../trace/errors.ts'
import type { Alloc, Phase, TraceEvent } from '../trace/event.ts'
import { steadyStep } from '../trace/reading.ts'
import { foldScope } from '../trace/scope.ts'
import type { TrainSpec } from '../training/spec.ts'
import { atDepth, byLayer, type Depths } from './depths.ts'
import { aligned } from './fold.ts'
import { isInstant } from './levels.ts'
import { eachInstant } from './repetition.ts'
import { simulate } from './simulate.ts'
import type { Stack } from './stack.ts'

/** An instant that may be the highest, as a polynomial: `fixed` for three layers, `layer` for each further one. */
interface Instant {
  readonly phase: Phase
  readonly scope: string
  readonly op: string
  readonly fixed: Polynomial
  readonly layer: Polynomial
}

/**
 * The peak as the maximum of a few polynomials in the model's and the batch's dimensions. Every instant of the simulated step is a sum
 * of live storages, each the product of its named axes; an instant that another one exceeds in every coefficient can nowhere be
 * the peak. Exact wherever the same program runs: the same kernels and targets, the same of the sizes equal to one another or to one.
 *
 * @param sizes the model's dimensions by symbol
 * @throws Refusal for ranks that share layers or stages: pieces of axes and layers of one stage are other dimensions
 */
export function lawBranches(model: ModelSpec, train: TrainSpec, stack: Stack, sizes: Dimensions): LawBranches {
  if (train.parallelism?.data.kind === 'alone') {
    const message = 'is not written for ranks that share layers, or stages of a pipeline'
    throw new Refusal('not-modelled', '--law', message, 'Leave it out.')
  }
  const dimensions: Record<string, number> = { ...sizes, b: train.batch, t: train.tokens }
  if (train.task === 'seq2seq-lm') Object.assign(dimensions, { s: train.tokens, t: train.targetTokens })
  if (train.adapter) dimensions.r = train.adapter.rank
  const depth = byLayer(model, train)
  const depths = depth && atDepth(model, train, stack, depth)
  const instants = depths && folded(depths, dimensions)
  const found = instants ?? whole(model, train, stack, dimensions)
  if (!instants) delete dimensions.L
  const branches = undominated(found)
    .map((i) => ({ ...i, polynomial: instants ? inLayers(i, depths!.few) : i.fixed }))
    .map((i) => ({ ...i, bytes: evaluate(i.polynomial, dimensions) }))
    .sort((a, b) => b.bytes - a.bytes)
  const reign = reigns(
    branches.map((i) => i.polynomial),
    dimensions,
  )
  return {
    dimensions,
    branches: branches.map(({ phase, scope, op, polynomial, bytes }, n) => ({
      instant: { phase, scope, op },
      expression: write(polynomial, dimensions),
      bytes,
      per_token_bytes: perToken(polynomial, dimensions),
      domain: reign[n] ?? null,
    })),
  }
}

/** `fixed` + (L − few) · `layer` */
function inLayers({ fixed, layer }: Instant, few: number): Polynomial {
  const sum = new Map(fixed)
  addTo(sum, layer, -few)
  addTo(sum, product(layer, new Map([['L', 1]])))
  return sum
}

/** Pairs of instants of two depths; null where the longer does not repeat the shorter. */
function folded(depths: Depths, dimensions: Record<string, number>): Instant[] | null {
  const whole = aligned(depths)
  if (!whole) return null
  const low = local(steadyStep(whole.short), dimensions)
  const high = local(steadyStep(whole.long), dimensions)
  const instants: Instant[] = []
  eachInstant(whole.stretches, (i, j) => {
    const [a, b] = [low.get(i), high.get(j)]
    if (!a || !b) return
    const layer = new Map(b.fixed)
    addTo(layer, a.fixed, -1)
    instants.push({ ...a, layer })
  })
  return instants
}

function whole(model: ModelSpec, train: TrainSpec, stack: Stack, dimensions: Record<string, number>): Instant[] {
  const { events } = simulate(model, train, stack.dialect, { library: stack.library })
  return [...local(steadyStep(events), dimensions).values()].map((i) => ({ ...i, layer: constant(0) }))
}

type Local = Omit<Instant, 'layer'>

/** Instants by the `seq` of their event: those after which something is released, since only they can be the highest. */
function local(trace: readonly TraceEvent[], dimensions: Record<string, number>): Map<number, Local> {
  const live = new Map<string, number>()
  const storages = new Map<number, Polynomial>()
  const cache = new Map<string, Polynomial>()
  const result = new Map<number, Local>()
  let last: (Alloc & { readonly phase: Phase }) | null = null
  const note = () => {
    if (!last) return
    const { seq, phase, scope, op } = last
    result.set(seq, { phase, scope: foldScope(scope), op, fixed: new Map(live) })
  }
  for (const e of trace) {
    if (e.action === 'alloc' && e.device === 'device') {
      if (last && last.phase !== e.phase) note()
      const p = polynomialOf(e.axes, ITEMSIZE[e.dtype], dimensions, cache)
      storages.set(e.storage, p)
      addTo(live, p)
      last = isInstant(e) ? e : null
    } else if (e.action === 'free') {
      note()
      last = null
      const p = storages.get(e.storage)
      if (p) addTo(live, p, -1)
      storages.delete(e.storage)
    }
  }
  note()
  return result
}

function polynomialOf(
  axes: readonly Axis[],
  itemsize: number,
  dimensions: Record<string, number>,
  cache: Map<string, Polynomial>,
): Polynomial {
  return axes.reduce<Polynomial>((p, { name, size }) => {
    const key = `${name} ${size}`
    const read = cache.get(key) ?? readName(name, size, dimensions) ?? constant(size)
    cache.set(key, read)
    return product(p, read)
  }, constant(itemsize))
}

/** Drops what another instant exceeds in every coefficient, for three layers and for each further one. */
function undominated(instants: readonly Instant[]): Instant[] {
  const distinct = new Map<string, Instant>()
  for (const i of instants) distinct.set(keyOf(i), i)
  const kept: Instant[] = []
  for (const i of distinct.values()) {
    if (kept.some((k) => exceeds(k, i))) continue
    const rest = kept.filter((k) => !exceeds(i, k))
    kept.length = 0
    kept.push(...rest, i)
  }
  return kept
}

const keyOf = ({ fixed, layer }: Instant): string =>
  [fixed, layer]
    .map((p) =>
      [...p]
        .map(([m, c]) => `${m}:${c}`)
        .sort()
        .join(),
    )
    .join('|')

const exceeds = (a: Instant, b: Instant): boolean => covers(a.fixed, b.fixed) && covers(a.layer, b.layer)

function covers(a: Polynomial, b: Polynomial): boolean {
  for (const [m, c] of b) if ((a.get(m) ?? 0) < c) return false
  for (const [m, c] of a) if (c < (b.get(m) ?? 0)) return false
  return true
}

/** Bytes that one more token of the batch adds: what is linear in `t`, by sequence. */
function perToken(p: Polynomial, dimensions: Dimensions): number {
  let bytes = 0
  for (const term of p) if (degree(term[0], 't') === 1) bytes += evaluate(new Map([term]), dimensions)
  return bytes / (dimensions.t! * dimensions.b!)
}

/** Longest sequence that a domain is told for. */
const LONGEST = 2 ** 20

/** Where each polynomial is the largest as `t` alone changes: `t < 412`, `412 ≤ t`; null where it nowhere is. */
function reigns(polynomials: readonly Polynomial[], dimensions: Dimensions): (string | null)[] {
  const winner = (t: number): number => {
    const values = polynomials.map((p) => evaluate(p, withSize(dimensions, 't', t)))
    return values.indexOf(Math.max(...values))
  }
  const result: (string | null)[] = polynomials.map(() => null)
  const note = (who: number, from: number, to: number) => {
    const text =
      from <= 1 ? (to >= LONGEST ? 'any t' : `t < ${to}`) : to >= LONGEST ? `t ≥ ${from}` : `${from} ≤ t < ${to}`
    result[who] = result[who] ? `${result[who]}, ${text}` : text
  }
  let [from, who] = [1, winner(1)]
  for (let t = 2; t <= LONGEST; t *= 2) {
    const next = winner(t)
    if (next === who) continue
    // Between two powers of two the largest is taken to change once.
    let [low, high] = [t / 2, t]
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (winner(middle) === who) low = middle
      else high = middle
    }
    note(who, from, high)
    ;[from, who] = [high, winner(high)]
    if (who !== next) t = high
  }
  note(who, from, LONGEST)
  return result
}
