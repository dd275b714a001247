import type { ModelSpec } from '../../models/spec.ts'
import type { TrainSpec } from '../training/spec.ts'
import { bert } from './bert.ts'
import { freeform } from './freeform.ts'
import { llama } from './llama.ts'
import type { Network } from './network.ts'
import { t5 } from './t5.ts'

/** The program of a model under a training setting. Throws `Refusal` for what is not modelled. */
export function networkOf(model: ModelSpec, train: TrainSpec): Network {
  switch (model.family) {
    case 'llama':
      return llama(model, train)
    case 'bert':
      return bert(model, train)
    case 't5':
      return t5(model, train)
    case 'freeform':
      return freeform(model, train)
  }
}
