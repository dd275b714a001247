import type { ModelSpec } from '../../models/spec.ts'
import type { TrainSpec } from '../training/spec.ts'
import { bart } from './bart.ts'
import { bert } from './bert.ts'
import { distilBert } from './distilbert.ts'
import { refuseUnfollowed } from './followed.ts'
import { freeform } from './freeform.ts'
import { gemma2 } from './gemma2.ts'
import { gptNeoX } from './gpt-neox.ts'
import { gpt2 } from './gpt2.ts'
import { granite } from './granite.ts'
import { CURRENT, type Library } from './library.ts'
import { llama } from './llama.ts'
import { mixtral } from './mixtral.ts'
import { modernBert } from './modernbert.ts'
import type { Network } from './network.ts'
import { olmo2 } from './olmo2.ts'
import { opt } from './opt.ts'
import { phi } from './phi.ts'
import { phi3 } from './phi3.ts'
import { qwen3Moe } from './qwen3-moe.ts'
import { smolLm3 } from './smollm3.ts'
import { stableLm } from './stablelm.ts'
import { t5 } from './t5.ts'

/** The program of a model under a training setting, as a version of the library writes it. Throws `Refusal` for what is not modelled. */
export function networkOf(model: ModelSpec, train: TrainSpec, library: Library = CURRENT): Network {
  refuseUnfollowed(library, model, train)
  switch (model.family) {
    case 'llama':
      return llama(model, train, library)
    case 'gemma2':
      return gemma2(model, train, library)
    case 'olmo2':
      return olmo2(model, train, library)
    case 'granite':
      return granite(model, train, library)
    case 'smollm3':
      return smolLm3(model, train, library)
    case 'mixtral':
      return mixtral(model, train, library)
    case 'qwen3_moe':
      return qwen3Moe(model, train, library)
    case 'stablelm':
      return stableLm(model, train, library)
    case 'gpt2':
      return gpt2(model, train, library)
    case 'opt':
      return opt(model, train, library)
    case 'phi3':
      return phi3(model, train, library)
    case 'phi':
      return phi(model, train, library)
    case 'gpt_neox':
      return gptNeoX(model, train, library)
    case 'bert':
      return bert(model, train, library)
    case 'distilbert':
      return distilBert(model, train, library)
    case 'modernbert':
      return modernBert(model, train, library)
    case 't5':
      return t5(model, train, library)
    case 'bart':
      return bart(model, train, library)
    case 'freeform':
      return freeform(model, train)
  }
}

/** The model with its adapter declared and disabled, where the setting has a pass of reference; else null. */
export function referenceOf(model: ModelSpec, train: TrainSpec, library?: Library): Network | null {
  return train.reference && train.adapter
    ? networkOf(model, { ...train, adapter: { ...train.adapter, disabled: true } }, library)
    : null
}
