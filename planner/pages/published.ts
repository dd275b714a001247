import { type ModelSpec, specFromCatalog } from '../../models/index.ts'
import { capacityOf, findDevices } from '../devices/index.ts'
import { type Gpu, predict, predictOnDevice, resolveStack, type Stack } from '../predict/index.ts'
import type { EstimateBody } from '../result/estimate.ts'
import type { TrainingOptions } from '../training/options.ts'
import { resolveTraining } from '../training/resolve.ts'
import type { TrainSpec } from '../training/spec.ts'

/** A step of Mistral-7B on an A100 as others measured it: what torch had allocated at most. */
export interface Published {
  readonly framework_config: string
  readonly method: 'full' | 'lora' | 'qlora'
  readonly rank: number | null
  readonly batch: number
  readonly seq: number
  readonly autocast: 'none' | 'bfloat16'
  readonly stack: { readonly transformers: string }
  readonly measured_bytes: number
  readonly steady_bytes: number
  readonly nvidia_smi_peak_mib: number
}

/** The stack that a row was measured on, as far as it is modelled: transformers and PEFT of that version, and a newer torch. */
export const stackOfPublished = ({ stack }: Published): Stack =>
  resolveStack(`transformers-${stack.transformers.split('.').slice(0, 2).join('.')}`)

const [DEVICE] = findDevices('a100-80gb')
const A100: Gpu = { name: DEVICE!.name, bytes: capacityOf(DEVICE!), device: DEVICE! }

/** PEFT's projections of attention; `c_attn`, which some runs name too, is in no Mistral. */
const TARGETS = ['q_proj', 'k_proj', 'v_proj', 'o_proj']

/** The prediction for a measured step, with the tier of allocated bytes as a formula. */
export const predictedForPublished = (row: Published): EstimateBody => {
  const { model, train } = settingOf(row)
  return predict(model, train, stackOfPublished(row), A100)
}

/** The same with the allocator replayed on the device. */
export const replayedForPublished = (row: Published): EstimateBody => {
  const { model, train } = settingOf(row)
  return predictOnDevice(model, train, stackOfPublished(row), A100)
}

export function settingOf(row: Published): { model: ModelSpec; train: TrainSpec } {
  const model = specFromCatalog('mistral-7b')
  const options: TrainingOptions = {
    method: row.method,
    batch_size: row.batch,
    seq_len: row.seq,
    autocast: row.autocast,
    attention: 'flash_attention_2',
    gradient_checkpointing: 'reentrant',
    fused_loss: row.framework_config.endsWith('liger') ? 'liger' : 'none',
    fused_kernels: hasStockKernels(row) ? 'none' : 'foak',
    ...(row.rank === null ? {} : { rank: row.rank, target_modules: TARGETS, lora_dropout: 0.1 }),
    ...(row.method === 'qlora' ? { quantize: 'nf4-double', ...casts(row) } : {}),
  }
  const { train } = resolveTraining(model, options, { stack: stackOfPublished(row).name })
  return { model, train }
}

/** The baseline goes through TRL's SFTTrainer, which prepares the model and takes part of that back; the plugin does neither. */
const casts = ({ framework_config }: Published): TrainingOptions => {
  const baseline = framework_config === 'baseline-peft-bnb'
  return { prepare_kbit: baseline, trl_casts: baseline }
}

/** foak's kernels are named otherwise: fused cross entropy, RMS norm, RoPE and, over a quantized base, LoRA. */
export const hasStockKernels = ({ framework_config }: Published): boolean => !framework_config.includes('foak')
