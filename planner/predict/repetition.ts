import type { TraceEvent } from '../trace/event.ts'
import { type Place, placeOf } from '../trace/scope.ts'
import { flatStorages } from '../trace/tables.ts'

/** Where a stretch of a trace with few layers takes in more of them. Indices are the traces' own. */
export interface Stretch {
  /** The stretch in the shorter and in the longer trace. */
  readonly short: Range
  readonly long: Range
  /** Where the repeated block begins, in the shorter trace. */
  readonly at: number
  /** Events of one block; none where this stretch does not grow with the layers. */
  readonly block: number
}

type Range = readonly [from: number, to: number]

/**
 * Two traces of one program, the longer with a period of layers more, as stretches that go through the layers once. In each the longer is the
 * shorter with one block inserted, and the block repeats its neighbours, one of each of the `kinds`: further layers can only insert
 * it again. Null where that does not hold.
 */
export function stretchesOf(
  short: readonly TraceEvent[],
  long: readonly TraceEvent[],
  kinds: number,
): Stretch[] | null {
  const likeness = new Likeness(short, long)
  return paired(passesOf(short), passesOf(long), (a, b) => {
    const whole = stretchOf(short, a, long, b, kinds, likeness)
    if (whole) return [whole]
    return paired(runsOf(short, a), runsOf(long, b), (x, y) => {
      const run = stretchOf(short, x, long, y, kinds, likeness)
      return run && [run]
    })
  })
}

function paired(
  a: readonly Pass[],
  b: readonly Pass[],
  match: (a: Pass, b: Pass) => readonly Stretch[] | null,
): Stretch[] | null {
  if (a.length !== b.length) return null
  const result: Stretch[] = []
  for (let i = 0; i < a.length; i++) {
    const stretches = match(a[i]!, b[i]!)
    if (!stretches) return null
    result.push(...stretches)
  }
  return result
}

/** Events in which the layers are gone through once. */
interface Pass {
  readonly range: Range
  /** From the last layer to the first. */
  readonly down: boolean
}

/**
 * Cuts a trace where a phase begins and where it turns round among the layers: an optimizer goes over all layers several times,
 * forward and backward once a micro-step, a pass of reference from the loss back to the first.
 */
function passesOf(trace: readonly TraceEvent[]): Pass[] {
  const passes: Pass[] = []
  let from = 0
  let direction: Way | null = null
  let last: Place | null = null
  let place = placeOf('')
  for (let i = 0; i < trace.length; i++) {
    const e = trace[i]!
    const before = trace[i - 1]
    if (e.scope !== before?.scope) place = placeOf(e.scope)
    const begins = before !== undefined && (e.phase !== before.phase || e.step !== before.step)
    const way: Way = begins ? 'elsewhere' : last === null || place.layer < 0 ? 'nowhere' : wayOf(last, place)
    if (way === 'elsewhere' || (way !== 'nowhere' && direction !== null && way !== direction)) {
      passes.push({ range: [from, i], down: direction === 'down' })
      from = i
      direction = null
      last = null
    } else if (way !== 'nowhere') direction = way
    if (place.layer >= 0) last = place
  }
  passes.push({ range: [from, trace.length], down: direction === 'down' })
  return passes
}

/** Cuts a pass where its operation changes: what is released together after the optimizer's step is told without its layers. */
function runsOf(trace: readonly TraceEvent[], { range: [begin, end], down }: Pass): Pass[] {
  const runs: Pass[] = []
  let from = begin
  for (let i = begin + 1; i <= end; i++) {
    if (i < end && trace[i]!.op === trace[from]!.op) continue
    runs.push({ range: [from, i], down })
    from = i
  }
  return runs
}

/** `elsewhere`: into another phase, or another list of layers, as an encoder's and a decoder's. */
type Way = 'up' | 'down' | 'nowhere' | 'elsewhere'

function wayOf(last: Place, { pattern, layer }: Place): Way {
  if (last.pattern.before !== pattern.before) return 'elsewhere'
  return layer === last.layer ? 'nowhere' : layer > last.layer ? 'up' : 'down'
}

/**
 * Finds the inserted block. Common beginning and common end must overlap by a block of each kind at least: then the longer trace
 * repeats with that period there.
 */
function stretchOf(
  short: readonly TraceEvent[],
  { range: [from, to], down }: Pass,
  long: readonly TraceEvent[],
  { range: [longFrom, longTo] }: Pass,
  kinds: number,
  likeness: Likeness,
): Stretch | null {
  const n = to - from
  const block = longTo - longFrom - n
  if (block < 0) return null
  let head = 0
  while (head < n && likeness.of(short[from + head]!, long[longFrom + head]!)) head++
  let tail = 0
  while (tail < n && likeness.of(short[to - 1 - tail]!, long[longTo - 1 - tail]!)) tail++
  if (head + tail < n + kinds * block) return null
  // Anywhere between the two will do for bytes. A block from the end that is far from the first layers an instant's neighbours, the storages
  // it refers to and what holds them repeat as well: among the first layers a kind of them may come for the first time.
  const [earliest, latest] = [n - tail, head - block]
  const away = Math.floor(Math.min(2 * block, latest - earliest) / 2)
  const at = block === 0 ? to : from + (down ? earliest + away : latest - away)
  return { short: [from, to], long: [longFrom, longTo], at, block }
}

/**
 * Compares events of two traces. Neighbours mostly share their scope: what was found for the last pair of scopes is kept. A storage of
 * all parameters side by side has more bytes in the longer one.
 */
class Likeness {
  readonly #flat: readonly [ReadonlyMap<number, string>, ReadonlyMap<number, string>]
  #scopes: readonly [string, string] = ['', '']
  #alike = true

  constructor(short: readonly TraceEvent[], long: readonly TraceEvent[]) {
    this.#flat = [flatStorages(short), flatStorages(long)]
  }

  /** The same event but for its place in the trace, its storage's number and its layer's. */
  of(a: TraceEvent, b: TraceEvent): boolean {
    if (a.action !== b.action || a.op !== b.op || !this.#scope(a.scope, b.scope)) return false
    if (a.bytes !== b.bytes) {
      // of the same parameters: what is gathered for an embedding is not what is gathered for a layer
      const of = this.#flat[0].get(a.storage)
      if (of === undefined || of !== this.#flat[1].get(b.storage)) return false
    }
    switch (a.action) {
      case 'alloc':
        return b.action === 'alloc' && a.category === b.category && a.dtype === b.dtype && a.device === b.device
      case 'save':
        return b.action === 'save' && a.why === b.why
      case 'retag':
        return b.action === 'retag' && a.category === b.category
      default:
        return true
    }
  }

  #scope(a: string, b: string): boolean {
    if (a === b) return true
    if (a !== this.#scopes[0] || b !== this.#scopes[1]) {
      this.#scopes = [a, b]
      this.#alike = placeOf(a).pattern === placeOf(b).pattern
    }
    return this.#alike
  }
}

/** Calls `visit` for instants of the shorter trace with theirs in the longer one; together they stand for every instant of any depth. */
export function eachInstant(stretches: readonly Stretch[], visit: (short: number, long: number) => void): void {
  for (const { short, long, at, block } of stretches) {
    const [[from, to], [longFrom, longTo]] = [short, long]
    // Up to the seam and one block on instants keep their place from the front, from the seam on theirs from the end.
    for (let i = from; i < Math.min(to, at + block); i++) visit(i, longFrom + i - from)
    for (let i = at; i < to; i++) visit(i, longTo - (to - i))
  }
}
