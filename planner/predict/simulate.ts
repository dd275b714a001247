import type { ModelSpec } from '../../models/spec.ts'
import type { Order } from '../autograd/engine.ts'
import { referenceOf } from '../network/index.ts'
import type { Library } from '../network/library.ts'
import type { Batch, Network } from '../network/network.ts'
import { rankOf } from '../shard/index.ts'
import { ofStage } from '../shard/pipeline/stage.ts'
import type { Dialect } from '../simulate/dialect.ts'
import { autocastPolicy } from '../simulate/dialects/torch.ts'
import { torchOptimizer } from '../simulate/optimizers/optimizer.ts'
import { Simulator, type SimulatorOptions } from '../simulate/simulator.ts'
import type { SimTensor, View } from '../simulate/storage.ts'
import type { TraceEvent } from '../trace/event.ts'
import { pipelineStep } from '../training/pipeline-step.ts'
import type { TrainSpec } from '../training/spec.ts'
import { type StepOptimizer, trainStep } from '../training/step.ts'
import { Counter, type Products } from './products.ts'

export interface Simulation {
  readonly network: Network
  readonly events: readonly TraceEvent[]
  /** What it multiplied, where that was asked for. */
  readonly products?: Products
}

export interface SimulateOptions {
  /**
   * Whole steps to write; default: the first one, with the second's optimizer folded in, since forward and backward repeat.
   */
  readonly steps?: number
  /** Whose versions of the programs are run; default: the newest. */
  readonly library?: Library
  /** Also counts products. */
  readonly counted?: boolean
  /** Also writes reads and names, for the auditor. */
  readonly audited?: boolean
  readonly optimizer?: (s: Simulator) => StepOptimizer<View>
  /** Another simulator and another order of the engine: the negative controls' ways in. */
  readonly simulator?: (options: SimulatorOptions) => Simulator
  readonly order?: Order
}

/** Runs the first and the steady step of a training setting without numbers. */
export function simulate(
  whole: ModelSpec,
  setting: TrainSpec,
  dialect: Dialect,
  options: SimulateOptions = {},
): Simulation {
  const { model, train } = ofStage(whole, setting, options.library)
  const events: TraceEvent[] = []
  const reference = referenceOf(model, train, options.library)
  const make = options.simulator ?? ((o: SimulatorOptions) => (options.counted ? new Counter(o) : new Simulator(o)))
  const simulator = make({ dialect, sink: (e) => events.push(e), audited: options.audited === true })
  const rank = rankOf(model, train, options.library)(simulator)
  rank.materialize()
  const { network, hooks, leaves } = rank
  const batch: Batch<SimTensor> = Object.fromEntries(
    network.inputs.map(({ name, axes, dtype }) => {
      simulator.position.op = name
      const type = dtype === 'int64' ? dialect.integer : dtype
      return [name, simulator.keep(simulator.alloc(axes, type, undefined, 'input'))]
    }),
  )
  const inner = options.optimizer?.(simulator) ?? torchOptimizer(simulator, train.optimizer, train.optimizerImpl)
  const optimizer = rank.optimizer?.(inner) ?? inner
  const autocast = train.autocast === 'none' ? null : autocastPolicy(train.autocast)
  const steps = options.steps ?? (rank.changes ? 2 : undefined)
  const foldNext = steps === undefined
  const microSteps = foldNext ? microStepsRun(train) : train.accumulation
  const how = { foldNext, autocast, microSteps, reference, order: options.order, hooks, leaves: leaves ?? undefined }
  const pipe = rank.pipe?.()
  for (let step = 0; step < (steps ?? 1); step++) {
    if (pipe) pipelineStep(simulator, network, batch, optimizer, step, pipe, how)
    // a loss without a number: there is nothing to look at
    else for (const _loss of trainStep(simulator, network, batch, optimizer, step, how));
  }
  return { network, events, ...(simulator instanceof Counter ? { products: simulator.products } : {}) }
}

/** Micro-steps of a folded trace: from the second on all find the gradients there, and are alike; ranks reduce them in the last. */
export const microStepsRun = ({ accumulation, parallelism }: TrainSpec): number =>
  Math.min(accumulation, parallelism ? 3 : 2)
