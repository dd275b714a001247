import type { FreeformSpec, ModelSpec, T5Spec } from '../../models/spec.ts'
import { ofStage } from '../shard/pipeline/stage.ts'
import type { TrainSpec } from '../training/spec.ts'
import { type Stretch, stretchesOf } from './repetition.ts'
import { type SimulateOptions, type Simulation, simulate } from './simulate.ts'
import type { Stack } from './stack.ts'

type Layered = Exclude<ModelSpec, T5Spec | FreeformSpec>

/** A number of layers to count by. T5's stacks share biases between theirs; the blocks of a description are a person's own. */
const hasEqualLayers = (model: ModelSpec): model is Layered => model.family !== 't5' && model.family !== 'freeform'

/** Layers after which their kinds repeat, and with them which are checkpointed. */
function periodOf(model: Layered, { checkpointEvery = 1 }: TrainSpec): number {
  const kinds = 'kinds' in model ? model.kinds.length : 1
  let period = kinds
  while (period % checkpointEvery !== 0) period += kinds
  return period
}

/** Two depths of a model: `few` layers and `step` more, and how often `step` more come to its own depth. */
export interface Depth {
  readonly few: number
  readonly step: number
  /** Kinds of blocks, which have to be alike: of layers, of turns one. */
  readonly kinds: number
  readonly more: number
}

/** A setting at two depths that the whole follows from if the longer repeats the shorter. */
export interface Depths extends Depth {
  readonly short: Simulation
  readonly long: Simulation
  /** How the traces go together; null where the longer does not repeat the shorter. */
  readonly stretches: readonly Stretch[] | null
}

/** Equal layers of the shorter: a first, a middle and a last one. */
const FEW = 3

/**
 * Depths a layer apart, with layers of all kinds before them, once more, and a last one. Where kinds of layers take turns, it depends on the setting whether their events
 * are alike; where some are checkpointed they are not. Null for a model without equal layers, or with fewer.
 */
export function byLayer(model: ModelSpec, train: TrainSpec): Depth | null {
  if (!hasEqualLayers(model) || train.checkpointEvery !== undefined) return null
  const kinds = periodOf(model, train)
  const few = 2 * kinds + 1
  return model.layers < few ? null : { few, step: 1, kinds, more: model.layers - few }
}

/** Depths a turn of all kinds of layers apart: a layer, where there is one kind. */
export function byTurn(model: ModelSpec, train: TrainSpec): Depth | null {
  if (!hasEqualLayers(model)) return null
  const period = periodOf(model, train)
  const few = FEW * period + (model.layers % period)
  return model.layers < few ? null : { few, step: period, kinds: 1, more: (model.layers - few) / period }
}

/** Whether two small simulations cost less than the whole one. */
export const isWorthwhile = ({ few, step, more }: Depth): boolean => few + step * more > 2 * few + step

/** The model with so many layers; one without equal layers as it is. */
export const withLayers = (model: ModelSpec, layers: number): ModelSpec =>
  hasEqualLayers(model) ? { ...model, layers } : model

/** Simulates both depths. */
export const atDepth = (model: ModelSpec, train: TrainSpec, stack: Stack, depth: Depth): Depths =>
  new Runs(model, train, stack).at(depth)

/** One setting's simulations: each depth is run once, however much is read off it. Throws `Refusal` for what is not modelled. */
export class Runs {
  readonly model: ModelSpec
  readonly train: TrainSpec
  readonly stack: Stack
  readonly #options: Pick<SimulateOptions, 'counted'>
  readonly #byLayers = new Map<number, Simulation>()
  readonly #at = new Map<string, Depths>()
  #whole: Simulation | null = null

  constructor(model: ModelSpec, train: TrainSpec, stack: Stack, options: Pick<SimulateOptions, 'counted'> = {}) {
    this.#options = options
    const staged = ofStage(model, train, stack.library)
    this.model = staged.model
    this.train = staged.train
    this.stack = stack
  }

  at(depth: Depth): Depths {
    const { few, step, kinds } = depth
    const key = `${few} ${step} ${kinds}`
    const known = this.#at.get(key)
    if (known) return known
    const [short, long] = [this.#of(few), this.#of(few + step)]
    const depths = { ...depth, short, long, stretches: stretchesOf(short.events, long.events, kinds) }
    this.#at.set(key, depths)
    return depths
  }

  /** The model as it is. */
  whole(): Simulation {
    this.#whole ??= this.#simulate(this.model)
    return this.#whole
  }

  #of(layers: number): Simulation {
    const run = this.#byLayers.get(layers) ?? this.#simulate(withLayers(this.model, layers))
    this.#byLayers.set(layers, run)
    return run
  }

  #simulate(model: ModelSpec): Simulation {
    const { dialect, library } = this.stack
    return simulate(model, this.train, dialect, { ...this.#options, library })
  }
}

/** What `make` makes of the first depths that serve, layer by layer if that will do; null where none does or would pay. */
export function fromDepths<R>(runs: Runs, make: (depths: Depths) => R | null): R | null {
  const [layer, turn] = [byLayer(runs.model, runs.train), byTurn(runs.model, runs.train)]
  const tries = layer && turn && layer.step === turn.step ? [layer] : [layer, turn]
  for (const depth of tries) {
    const made = depth && isWorthwhile(depth) ? make(runs.at(depth)) : null
    if (made) return made
  }
  return null
}
