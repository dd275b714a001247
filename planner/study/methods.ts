import type { ModelSpec } from '../../models/spec.ts'
import type { Network } from '../network/network.ts'
import type { Parameter } from '../ops/ops.ts'
import type { TrainingOptions } from '../training/options.ts'
import type { StudyMethod } from '../training/study-methods.ts'

interface Entry {
  readonly describe: string
  readonly options: TrainingOptions
  /** Where nobody says one: of a language model, from a sweep of the decoder (docs/study.md); of a classifier, by trial and not swept. */
  readonly rates: { readonly language: number; readonly classes: number }
  /** Changes which parameters train, and from where they start. */
  readonly rule?: (p: Parameter) => Parameter
}

const isA = ({ path }: Parameter): boolean => path.includes('.lora_A.')
const isB = ({ path }: Parameter): boolean => path.includes('.lora_B.')

/** LoRA-FA turned around: B is random and frozen, A starts at nothing and trains. Its step keeps every X, as LoRA's does. */
function frozenB(p: Parameter): Parameter {
  if (isA(p)) return { ...p, init: { kind: 'constant', value: 0 } }
  if (!isB(p)) return p
  return { ...p, trains: false, init: { kind: 'uniform', bound: 1 / Math.sqrt(p.axes[1]!.size) } }
}

const LORA_RATES = { language: 1e-2, classes: 3e-3 }
const LORA_FA_RATES = { language: 3e-2, classes: 1e-2 }

export const METHOD_TABLE: Readonly<Record<StudyMethod, Entry>> = {
  full: { describe: 'every weight', options: { method: 'full' }, rates: { language: 1e-3, classes: 1e-3 } },
  lora: { describe: 'LoRA', options: { method: 'lora' }, rates: LORA_RATES },
  'lora-fa': { describe: 'LoRA-FA, AdamW on B', options: { method: 'lora-fa' }, rates: LORA_FA_RATES },
  'lora-fa-corrected': {
    describe: "LoRA-FA, PEFT's corrected gradient",
    options: { method: 'lora-fa', optimizer: 'lorafa' },
    rates: LORA_FA_RATES,
  },
  'frozen-b': {
    describe: 'control: A trains, B is random and frozen',
    options: { method: 'lora' },
    rates: LORA_RATES,
    rule: frozenB,
  },
}

export const defaultRate = (method: StudyMethod, task: ModelSpec['task']): number =>
  METHOD_TABLE[method].rates[task === 'sequence-classification' ? 'classes' : 'language']

/** The network as a method trains it. */
export function ruled(network: Network, method: StudyMethod): Network {
  const { rule } = METHOD_TABLE[method]
  return rule ? { ...network, parameters: network.parameters.map(rule) } : network
}
