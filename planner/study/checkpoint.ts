import type { TensorValues } from '../../models/weights/tensors.ts'
import type { Network } from '../network/network.ts'
import { sizes } from '../trace/axes.ts'
import { RefusalList } from '../training/refusals.ts'
import { isHead, type WeightValues } from './values.ts'

/** What transformers makes anew with a warning: a head, and the pooler that a masked language model has not. */
const maybeNew = (path: string): boolean => isHead(path) || /(^|\.)pooler\./.test(path)

export interface MatchedCheckpoint {
  readonly weights: WeightValues
  /** Tensors that no parameter has the name of: heads of pre-training, second copies of tied weights. */
  readonly unused: readonly string[]
  /** Parameters of a new head: it starts at random. */
  readonly fresh: readonly string[]
}

/**
 * Gives each parameter of the plain model its tensor, by the names of `state_dict()`. A checkpoint of the bare model lacks the
 * model's prefix (`bert.`), one of another head has it beside a head of its own: both are as transformers loads them
 * (transformers/modeling_utils.py, `base_model_prefix`).
 *
 * @throws Refusals with every parameter that is missing or has another shape
 */
export function matchCheckpoint(network: Network, tensors: readonly TensorValues[], label: string): MatchedCheckpoint {
  const byName = new Map(tensors.map((t) => [t.name, t]))
  const used = new Set<string>()
  const weights = new Map<string, Float32Array>()
  const fresh: string[] = []
  const problems = new RefusalList()
  for (const { path, axes } of network.parameters) {
    const found = byName.get(path) ?? byName.get(path.slice(path.indexOf('.') + 1))
    const want = sizes(axes)
    if (found === undefined) {
      if (maybeNew(path)) fresh.push(path)
      else problems.add('bad-checkpoint', `${label} ${path}`, 'is missing', 'Is it a checkpoint of this architecture?')
      continue
    }
    used.add(found.name)
    const have = [...found.shape]
    if (have.length === want.length && have.every((s, i) => s === want[i])) weights.set(path, found.values)
    else if (maybeNew(path)) fresh.push(path)
    else {
      const message = `has the shape [${have.join(', ')}], the model [${want.join(', ')}]`
      const next = 'Does the config.json belong to these weights?'
      problems.add('bad-checkpoint', `${label} ${path}`, message, next)
    }
  }
  problems.throwIfAny()
  return { weights, fresh, unused: tensors.map((t) => t.name).filter((name) => !used.has(name)) }
}
