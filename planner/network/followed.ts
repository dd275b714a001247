import type { FreeformSpec, ModelSpec } from '../../models/spec.ts'
import { Refusal } from '../trace/errors.ts'
import type { TrainSpec } from '../training/spec.ts'
import { isTarget } from './adapter.ts'
import type { Library } from './library.ts'
import { refuseTensorParallel } from './tensor-parallel.ts'

/** Model types whose way through liger-kernel has been followed. */
const LIGER: ReadonlySet<string> = new Set(['llama', 'mistral', 'qwen2', 'qwen3', 'gemma'])

/** And through flash-attn, with the newest files and with those of transformers 4.48 and 4.45. */
const FLASH: ReadonlySet<string> = new Set([
  ...LIGER,
  'gemma2',
  'gemma3_text',
  'olmo2',
  'granite',
  'smollm3',
  'stablelm',
  'phi',
  'phi3',
  'gpt_neox',
  'gpt2',
  'opt',
  'bert',
  'roberta',
  'distilbert',
  'modernbert',
  'bart',
])
const FLASH_4: ReadonlySet<string> = new Set(['llama', 'mistral', 'qwen2'])

function refuseLiger(model: ModelSpec, train: TrainSpec): void {
  const flag = '--fused-loss'
  if (!LIGER.has(model.modelType)) {
    const message = `liger is not modelled for ${model.modelType}`
    throw new Refusal('not-modelled', flag, message, 'Leave it out: the logits are made whole.')
  }
  const dtype = train.quantize?.prepare ? 'float32' : train.dtype
  if (train.autocast !== 'none' && train.autocast !== dtype) {
    const message = `liger under autocast to another type than the head's (${dtype}) is not modelled`
    throw new Refusal('not-modelled', flag, message, `Say --dtype ${train.autocast}, or leave out one of them.`)
  }
  if (train.adapter?.targets.some((t) => t === 'lm_head' || t.endsWith('.lm_head'))) {
    const message = 'liger reads the weight of the head and passes over its adapter, which then trains on nothing'
    throw new Refusal('conflict', flag, message, 'Take lm_head out of --target-modules.')
  }
}

/** Of all attentions of a model. */
function headWidths(model: Exclude<ModelSpec, FreeformSpec>): readonly number[] {
  if ('headDim' in model) return [model.headDim]
  const heads = 'decoderHeads' in model ? [model.heads, model.decoderHeads] : [model.heads]
  return heads.map((n) => model.hidden / n)
}

function refuseFlash(library: Library, model: ModelSpec, train: TrainSpec): void {
  const flag = '--attention'
  const followed = library.modelTypes ? FLASH_4 : FLASH
  if (model.family === 'freeform' || !followed.has(model.modelType)) {
    const why = model.family === 't5' ? ': transformers has none, whose scores have a position bias' : ''
    const message = `flash_attention_2 is not modelled for ${model.modelType}${why}`
    throw new Refusal('not-modelled', flag, message, 'Say sdpa or eager.')
  }
  if (library.flash === 'engine') return
  refuseKernel(flag, model, train)
  if (train.padding) {
    const message = 'under flash_attention_2 what a padded batch keeps depends on how much of it is padding'
    throw new Refusal('not-modelled', '--padding', message, 'Leave it out, or say sdpa or eager.')
  }
}

/** What flash-attn's kernels take. */
function refuseKernel(flag: string, model: Exclude<ModelSpec, FreeformSpec>, train: TrainSpec): void {
  if (train.dtype === 'float32' && train.autocast === 'none') {
    const message = 'flash_attention_2 takes bfloat16 and float16 only'
    throw new Refusal('conflict', flag, message, 'Say --dtype bfloat16 or --autocast bfloat16.')
  }
  const odd = headWidths(model).find((width) => width % 8 !== 0 || width > 256)
  if (odd !== undefined) {
    const message = `flash_attention_2 with heads of ${odd}, which it pads or refuses, is not modelled`
    throw new Refusal('not-modelled', flag, message, 'Say sdpa or eager.')
  }
}

/** Model types whose rules of fms-acceleration's plugin have been followed. */
const FOAK: ReadonlySet<string> = new Set(['llama', 'mistral'])

function refuseFoak(library: Library, model: ModelSpec, train: TrainSpec): void {
  const flag = '--fused-kernels'
  const no = (code: string, message: string, next: string): never => {
    throw new Refusal(code, flag, message, next)
  }
  if (!library.foak)
    no('not-modelled', `foak is not modelled as ${library.name} has it`, 'Say --stack transformers-4.48.')
  if (!FOAK.has(model.modelType)) no('not-modelled', `foak is not modelled for ${model.modelType}`, 'Leave it out.')
  if (model.family !== 'llama' || !train.quantize) return
  const { quantize, adapter, autocast, dtype } = train
  if (quantize.kind !== 'nf4-double')
    no(
      'conflict',
      `foak's adapters unpack nested scales only, and the base is ${quantize.kind}`,
      'Say --quantize nf4-double.',
    )
  if (autocast === 'none')
    no('conflict', 'foak demands mixed precision over a quantized base', 'Say --autocast bfloat16.')
  if (quantize.prepare || autocast !== dtype)
    no(
      'not-modelled',
      'foak over hidden states in float32 is not modelled',
      `Say --dtype ${autocast} without --prepare-kbit.`,
    )
  if (!adapter) return
  if (train.reference || model.qkvBias || model.outputBias || model.mlpBias)
    no('not-modelled', 'foak with biases or a reference pass over a quantized base is not modelled', 'Leave it out.')
  const adapted = (name: string): boolean => isTarget(name, adapter.targets.map(lastName), false)
  if (MLP.every(adapted))
    no('not-modelled', "foak's fused MLP is not modelled", 'Take one of its linears out of --target-modules.')
  if (adapted('o_proj') && QKV.some(adapted) && !QKV.every(adapted))
    no(
      'not-modelled',
      'foak patches q, k and v together and fails on some of them',
      `Say ${QKV.join(', ')}, or none of them.`,
    )
}

const QKV = ['q_proj', 'k_proj', 'v_proj']
const MLP = ['gate_proj', 'up_proj', 'down_proj']
const lastName = (target: string): string => target.slice(target.lastIndexOf('.') + 1)

/** Throws `Refusal` for a family or setting whose files of this version have not been followed. */
export function refuseUnfollowed(library: Library, model: ModelSpec, train: TrainSpec): void {
  refuseTensorParallel(library, model, train)
  if (train.attention === 'flash_attention_2') refuseFlash(library, model, train)
  if (train.fusedLoss) refuseLiger(model, train)
  if (train.fusedKernels) refuseFoak(library, model, train)
  if (library.modelTypes && !library.modelTypes.has(model.modelType)) {
    const message = `${model.modelType} is not modelled as ${library.name} has it`
    throw new Refusal('not-modelled', '--stack', message, 'Leave out --stack for the newest versions.')
  }
  if (library.t5.attention === 'inline' && model.family === 't5' && train.padding) {
    const message = `a padded batch of ${model.modelType} is not modelled as ${library.name} has it`
    throw new Refusal('not-modelled', '--padding', message, 'Leave out --padding.')
  }
  if (library.mask === 'update_causal_mask' && train.padding && train.attention === 'sdpa') {
    const message = `whether ${library.name} makes a mask for sdpa depends on the values of the batch's own`
    throw new Refusal('not-modelled', '--padding', message, 'Say --attention eager, or leave out --padding.')
  }
}
