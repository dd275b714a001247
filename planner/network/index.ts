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

/** The model with its adapter declared and disabled, where the setting has a pass of reference; else null. */
export function referenceOf(model: ModelSpec, train: TrainSpec): Network | null {
  return train.reference && train.adapter
    ? networkOf(model, { ...train, adapter: { ...train.adapter, disabled: true } })
    : null
}
