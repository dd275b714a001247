import type { Network } from '../network/network.ts'
import type { Parameter } from '../ops/ops.ts'
import type { TrainingOptions } from '../training/options.ts'
import type { StudyMethod } from '../training/study-methods.ts'

interface Entry {
  readonly describe: string
  readonly options: TrainingOptions
  /** Where nobody says one: the best of the recorded sweep (docs/study.md). */
  readonly learningRate: number
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

export const METHOD_TABLE: Readonly<Record<StudyMethod, Entry>> = {
  full: { describe: 'every weight', options: { method: 'full' }, learningRate: 1e-3 },
  lora: { describe: 'LoRA', options: { method: 'lora' }, learningRate: 1e-2 },
  'lora-fa': { describe: 'LoRA-FA, AdamW on B', options: { method: 'lora-fa' }, learningRate: 3e-2 },
  'lora-fa-corrected': {
    describe: "LoRA-FA, PEFT's corrected gradient",
    options: { method: 'lora-fa', optimizer: 'lorafa' },
    learningRate: 3e-2,
  },
  'frozen-b': {
    describe: 'control: A trains, B is random and frozen',
    options: { method: 'lora' },
    learningRate: 1e-2,
    rule: frozenB,
  },
}

/** The network as a method trains it. */
export function ruled(network: Network, method: StudyMethod): Network {
  const { rule } = METHOD_TABLE[method]
  return rule ? { ...network, parameters: network.parameters.map(rule) } : network
}
