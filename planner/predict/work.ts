import type { Dimensions } from '../formula/polynomial.ts'
import type { TraceEvent } from '../trace/event.ts'
import { steadyStep } from '../trace/reading.ts'
import type { TrainSpec } from '../training/spec.ts'
import type { FormulaTable } from './formulas.ts'
import { line } from './growth.ts'
import type { Product } from './products.ts'
import { microStepsRun, type Simulation } from './simulate.ts'
import { sizesOf } from './structure.ts'

/** What one steady step has to do: operations of its products, and bytes of what it makes on the device. */
export interface Work {
  readonly flops: number
  readonly madeBytes: number
}

/** The products of a step and the storages that it makes, counted. Counts of two depths tell those of any. */
interface Counts {
  readonly products: ReadonlyMap<string, Product>
  /** Storages of each formula that forward and backward make, and those of the optimizer. */
  readonly passes: Float64Array
  readonly optimizer: Float64Array
}

/** A structure's work as a formula of its sizes. */
export class WorkFormula {
  readonly #table: FormulaTable
  readonly #counts: Counts

  private constructor(table: FormulaTable, counts: Counts) {
    this.#table = table
    this.#counts = counts
  }

  /** Of a simulation that counted its products. */
  static of(run: Simulation, table: FormulaTable): WorkFormula {
    return new WorkFormula(table, countsOf(run, table))
  }

  /** Of a model from two depths, `more` steps on: layers add alike. */
  static inDepth(short: Simulation, long: Simulation, more: number, table: FormulaTable): WorkFormula {
    const [a, b] = [countsOf(short, table), countsOf(long, table)]
    return new WorkFormula(table, {
      products: new Map(
        [...b.products].map(([key, product]) => {
          const count = line(a.products.get(key)?.count ?? 0, product.count, more)
          return [key, { ...product, count }]
        }),
      ),
      passes: b.passes.map((count, k) => line(a.passes[k] ?? 0, count, more)),
      optimizer: b.optimizer.map((count, k) => line(a.optimizer[k] ?? 0, count, more)),
    })
  }

  at(train: TrainSpec): Work {
    const { products, passes, optimizer } = this.#counts
    const sizes: Dimensions = sizesOf(train)
    // what is simulated of several micro-steps stands for all of them
    const times = train.accumulation / microStepsRun(train)
    let flops = 0
    for (const { count, flops: once } of products.values())
      flops += count * once((axis) => this.#table.size(axis, sizes))
    let [passBytes, optimizerBytes] = [0, 0]
    this.#table.formulas.forEach((formula, k) => {
      const [inPasses, inOptimizer] = [passes[k] ?? 0, optimizer[k] ?? 0]
      if (inPasses === 0 && inOptimizer === 0) return
      const bytes = formula.at(sizes)
      passBytes += inPasses * bytes
      optimizerBytes += inOptimizer * bytes
    })
    return { flops: times * flops, madeBytes: times * passBytes + optimizerBytes }
  }
}

/** A setting's work as its simulation counted it. */
export function workOf({ events, products }: Simulation, train: TrainSpec): Work {
  const times = train.accumulation / microStepsRun(train)
  let flops = 0
  for (const { count, flops: once } of products!.all.values()) flops += count * once(({ size }) => size)
  const made = (phase: boolean) =>
    madeIn(events).reduce((n, e) => n + ((e.phase === 'optimizer') === phase ? e.bytes : 0), 0)
  return { flops: times * flops, madeBytes: times * made(false) + made(true) }
}

function countsOf({ events, products }: Simulation, table: FormulaTable): Counts {
  const formulas = table.byStorage(events)
  const passes = new Float64Array(table.formulas.length)
  const optimizer = new Float64Array(table.formulas.length)
  for (const { phase, storage } of madeIn(events)) {
    const counts = phase === 'optimizer' ? optimizer : passes
    counts[formulas[storage]!]!++
  }
  return { products: products!.all, passes, optimizer }
}

/** What the steady step makes on the device. */
const madeIn = (events: readonly TraceEvent[]): TraceEvent[] =>
  steadyStep(events).filter((e) => e.action === 'alloc' && e.phase !== 'static' && e.device === 'device')
