import type { ModelSpec } from '../../models/spec.ts'
import type { Phase, TraceEvent } from '../trace/event.ts'
import { steadyStep } from '../trace/reading.ts'
import type { TrainSpec } from '../training/spec.ts'
import { fromDepths, Runs, withLayers } from './depths.ts'
import { aligned } from './fold.ts'
import { FormulaTable } from './formulas.ts'
import { type Instant, inDepth, local, undominated } from './instants.ts'
import { type Peak, peakOf } from './peak.ts'
import { simulate } from './simulate.ts'
import type { Stack } from './stack.ts'
import { probesOf, sizesOf, structureKey } from './structure.ts'

/**
 * Peaks of many settings, for a search: the events of each structure are simulated once, with every storage's bytes as a formula of
 * batch, tokens and rank, and evaluated at each setting's sizes. The same figures as `predict` gives, to the byte: before a
 * structure is used, its formulas are held against simulations at other sizes, storage by storage, and where they fail each setting is simulated.
 *
 *     const sweep = new Sweep(stack)
 *     sweep.peak(model, { ...train, batch: 7 }).bytes
 */
export class Sweep {
  readonly #stack: Stack
  readonly #structures = new WeakMap<ModelSpec, Map<string, Structure | null>>()

  constructor(stack: Stack) {
    this.#stack = stack
  }

  /** Throws `Refusal` for what is not modelled. Models are told apart as objects: hand in the same one. */
  peak(model: ModelSpec, train: TrainSpec): Peak {
    return this.#structure(model, train)?.peak(train) ?? peakOf(model, train, this.#stack)
  }

  #structure(model: ModelSpec, train: TrainSpec): Structure | null {
    const known = this.#structures.get(model) ?? new Map<string, Structure | null>()
    this.#structures.set(model, known)
    const key = structureKey(model, train)
    const found = known.get(key)
    if (found !== undefined) return found
    const made = compile(model, train, this.#stack)
    known.set(key, made)
    return made
  }
}

/** The instants of one structure that may be the highest. */
class Structure {
  readonly #table: FormulaTable
  readonly #instants: readonly { phase: Phase; formulas: readonly number[]; counts: readonly number[] }[]
  readonly #block: (bytes: number) => number

  constructor(table: FormulaTable, instants: readonly Instant[], block: (bytes: number) => number) {
    this.#table = table
    this.#block = block
    this.#instants = instants.map(({ phase, counts }) => {
      const formulas = [...counts.keys()].filter((k) => counts[k] !== 0)
      return { phase, formulas, counts: formulas.map((k) => counts[k]!) }
    })
  }

  peak(train: TrainSpec): Peak {
    const sizes = sizesOf(train)
    const bytes = this.#table.formulas.map((f) => f.at(sizes))
    const blocks = bytes.map(this.#block)
    const peak: { bytes: number; phase: Phase; blocks: number } = { bytes: 0, phase: 'forward', blocks: 0 }
    for (const { phase, formulas, counts } of this.#instants) {
      let [live, allocated] = [0, 0]
      for (let i = 0; i < formulas.length; i++) {
        live += counts[i]! * bytes[formulas[i]!]!
        allocated += counts[i]! * blocks[formulas[i]!]!
      }
      if (live > peak.bytes) [peak.bytes, peak.phase] = [live, phase]
      if (allocated > peak.blocks) peak.blocks = allocated
    }
    return peak
  }
}

/** A structure from one of its settings; null where the formulas do not hold at other sizes. */
export function compile(model: ModelSpec, train: TrainSpec, stack: Stack): Structure | null {
  const folded = fromDepths(new Runs(model, train, stack), (depths) => {
    const whole = aligned(depths)
    return whole && { ...depths, whole }
  })
  const simulated = folded ? withLayers(model, folded.few + folded.step) : model
  const events = (at: TrainSpec) => simulate(simulated, at, stack.dialect, { library: stack.library }).events
  const longest = folded?.whole.long ?? events(train)
  const table = new FormulaTable(longest, sizesOf(train))
  const formulas = table.ofAll(longest)
  const holds = probesOf(model, train).every((probe) => isSame(longest, formulas, events(probe), table, sizesOf(probe)))
  if (!holds) return null
  const instants = folded ? inDepth(folded.whole, table) : [...local(steadyStep(longest), table).values()]
  return new Structure(table, undominated(instants), stack.allocator.block)
}

/** Whether a trace at other sizes has the same events, and the bytes that the formulas say. */
function isSame(
  trace: readonly TraceEvent[],
  formulas: readonly number[],
  probe: readonly TraceEvent[],
  table: FormulaTable,
  sizes: Readonly<Record<string, number>>,
): boolean {
  if (trace.length !== probe.length) return false
  const bytes = table.formulas.map((f) => f.at(sizes))
  for (let i = 0; i < trace.length; i++) {
    const [a, b, formula] = [trace[i]!, probe[i]!, formulas[i]!]
    if (a.action !== b.action || a.op !== b.op || a.storage !== b.storage || a.scope !== b.scope) return false
    if (formula >= 0 && bytes[formula] !== b.bytes) return false
  }
  return true
}
