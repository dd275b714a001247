import type { ModelSpec } from '../../models/spec.ts'
import type { Phase } from '../trace/event.ts'
import type { TrainSpec } from '../training/spec.ts'
import { fromDepths, Runs, withLayers } from './depths.ts'
import { aligned } from './fold.ts'
import { FormulaTable } from './formulas.ts'
import { type Instant, inDepth, local, undominated } from './instants.ts'
import { type Peak, peakOf } from './peak.ts'
import { type Simulation, simulate } from './simulate.ts'
import type { Stack } from './stack.ts'
import { probesOf, sizesOf, structureKey } from './structure.ts'
import { type Work, WorkFormula, workOf } from './work.ts'

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

  /** What its steady step has to do. Throws `Refusal` for what is not modelled. */
  work(model: ModelSpec, train: TrainSpec): Work {
    const { dialect, library } = this.#stack
    const whole = () => workOf(simulate(model, train, dialect, { library, counted: true }), train)
    return this.#structure(model, train)?.work.at(train) ?? whole()
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
  readonly work: WorkFormula

  constructor(table: FormulaTable, instants: readonly Instant[], work: WorkFormula, block: (bytes: number) => number) {
    this.work = work
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
  const { dialect, library } = stack
  const folded = fromDepths(new Runs(model, train, stack, { counted: true }), (depths) => {
    const whole = aligned(depths)
    return whole && { ...depths, whole }
  })
  const run = (at: TrainSpec, layers: number | null) =>
    simulate(layers === null ? model : withLayers(model, layers), at, dialect, { library, counted: true })
  const longest = folded?.long ?? run(train, null)
  const table = new FormulaTable(longest.events, sizesOf(train))
  // one of the probes at the lesser depth: what holds there has been found to go on
  const known: readonly Known[] = folded
    ? [
        { run: folded.long, layers: folded.few + folded.step },
        { run: folded.short, layers: folded.few },
      ]
    : [{ run: longest, layers: null }]
  const holds = probesOf(model, train).every((probe, i) => {
    const { run: trace, layers } = known[i % known.length]!
    return isSame(trace, run(probe, layers), table, probe)
  })
  if (!holds) return null
  const instants = folded ? inDepth(folded.whole, table) : [...local(longest.events, table).values()]
  const work = folded
    ? WorkFormula.inDepth(folded.short, folded.long, folded.more, table)
    : WorkFormula.of(longest, table)
  return new Structure(table, undominated(instants), work, stack.allocator.block)
}

/** A run at the setting's own sizes; all layers where `layers` is null. */
interface Known {
  readonly run: Simulation
  readonly layers: number | null
}

/** Whether a run at other sizes has the same events, and the bytes and the work that the formulas say. */
function isSame(known: Simulation, probe: Simulation, table: FormulaTable, at: TrainSpec): boolean {
  if (known.events.length !== probe.events.length) return false
  const sizes = sizesOf(at)
  const formulas = table.byStorage(known.events)
  const bytes = table.formulas.map((f) => f.at(sizes))
  for (let i = 0; i < known.events.length; i++) {
    const [a, b] = [known.events[i]!, probe.events[i]!]
    if (a.action !== b.action || a.op !== b.op || a.storage !== b.storage || a.scope !== b.scope) return false
    if (b.action === 'alloc' && bytes[formulas[b.storage]!] !== b.bytes) return false
  }
  const [said, counted] = [WorkFormula.of(known, table).at(at), workOf(probe, at)]
  return said.flops === counted.flops && said.madeBytes === counted.madeBytes
}
