import { checkpointsOfAxolotl } from './checkpoints.ts'
import {
  hasAdapter,
  isLoraFa,
  isQuantized,
  type Launch,
  type Launched,
  type LaunchFile,
  learningRate,
  refuse,
  requireOwnKernels,
  requireSharing,
  trainerOptimizer,
} from './launch.ts'
import { yaml } from './write.ts'

const PLUGIN = 'lora_fa_plugin'

/**
 * Axolotl's file; LoRA-FA as a plugin beside it (integrations/base.py: post_lora_load, create_optimizer).
 *
 * @throws Refusal for what Axolotl does otherwise: weights of another type than the mixed precision's, prepared quantized bases
 */
export function axolotl(launch: Launch): Launched {
  const { training } = launch
  requireSayable(launch)
  const quantized = isQuantized(launch)
  const allLinear = training.target_modules?.includes('all-linear') === true
  const text = yaml({
    base_model: launch.model,
    ...(hasAdapter(launch)
      ? {
          adapter: training.quantize?.startsWith('nf4') ? 'qlora' : 'lora',
          load_in_4bit: training.quantize?.startsWith('nf4') === true,
          load_in_8bit: training.quantize === 'int8',
          bnb_config_kwargs: training.quantize === 'nf4' ? { bnb_4bit_use_double_quant: false } : undefined,
          lora_r: training.rank,
          lora_alpha: training.lora_alpha ?? 8,
          lora_dropout: training.lora_dropout ?? 0,
          lora_target_linear: allLinear ? true : undefined,
          lora_target_modules: allLinear ? undefined : training.target_modules,
          lora_modules_to_save: training.modules_to_save?.length ? training.modules_to_save : undefined,
          peft_use_rslora: training.use_rslora ? true : undefined,
          peft_use_dora: training.use_dora ? true : undefined,
          peft_autocast_adapter_dtype: quantized ? undefined : training.adapter_dtype !== 'base',
          lora_mlp_kernel: false,
          lora_qkv_kernel: false,
          lora_o_kernel: false,
          lora_embedding_kernel: false,
        }
      : {}),
    datasets: [{ path: 'tatsu-lab/alpaca', type: 'alpaca' }],
    val_set_size: 0,
    output_dir: './out',
    sequence_len: training.seq_len,
    sample_packing: false,
    pad_to_sequence_len: training.padding ? undefined : true,
    micro_batch_size: training.batch_size,
    gradient_accumulation_steps: training.gradient_accumulation,
    num_epochs: 1,
    optimizer: trainerOptimizer('axolotl', launch),
    lr_scheduler: 'cosine',
    learning_rate: learningRate(launch),
    bf16: training.dtype === 'bfloat16',
    fp16: training.dtype === 'float16',
    tf32: false,
    gradient_checkpointing: training.gradient_checkpointing !== 'none',
    gradient_checkpointing_kwargs:
      training.gradient_checkpointing === 'none'
        ? undefined
        : { use_reentrant: training.gradient_checkpointing === 'reentrant' },
    selective_checkpointing: checkpointsOfAxolotl(launch),
    attn_implementation: training.attention,
    plugins: isLoraFa(launch) ? [`${PLUGIN}.LoraFAPlugin`] : undefined,
    logging_steps: 10,
  })
  const config = { name: 'axolotl.yaml', text: `# the dataset is an example\n${text}` }
  const files = isLoraFa(launch) ? [config, plugin(launch)] : [config]
  const command = isLoraFa(launch) ? 'PYTHONPATH=. axolotl train axolotl.yaml' : 'axolotl train axolotl.yaml'
  return { files, command, notes: [] }
}

function requireSayable(launch: Launch): void {
  const { training } = launch
  requireSharing('axolotl', launch, ['alone', 'ddp'])
  requireOwnKernels('axolotl', launch)
  const half = training.dtype !== 'float32'
  if (training.autocast !== (half ? training.dtype : 'none'))
    refuse(
      'axolotl',
      '--autocast',
      `${training.autocast ?? 'none'}: Axolotl trains ${training.dtype} weights under mixed precision of the same type`,
      `Say --autocast ${half ? training.dtype : 'none'}.`,
    )
  if (!hasAdapter(launch) && half && training.attention !== 'flash_attention_2')
    refuse(
      'axolotl',
      '--attention',
      `${training.attention}: full fine-tuning then keeps norms and embeddings in float32`,
      'Say --attention flash_attention_2.',
    )
  if (training.prepare_kbit)
    refuse(
      'axolotl',
      '--prepare-kbit',
      'leaves norms and embeddings wide, and Axolotl narrows them again',
      'Say --quantize nf4-double without it.',
    )
  if (isQuantized(launch) && training.adapter_dtype === 'base')
    refuse(
      'axolotl',
      '--adapter-dtype',
      'base of a quantized model is not what Axolotl loads',
      'Say --adapter-dtype float32.',
    )
  if (training.task !== 'causal-lm')
    refuse('axolotl', '--task', `${training.task} is not emitted for it`, 'Say --emit peft.')
  if (training.reference_model)
    refuse('axolotl', '--reference-model', 'is no part of supervised training', 'Leave it out.')
}

const plugin = ({ training }: Launch): LaunchFile => ({
  name: `${PLUGIN}.py`,
  text: `"""LoRA-FA for Axolotl: A is frozen as soon as the adapter is there.

A pass under model.disable_adapter() would let A train again when it ends (PEFT: enable_adapters calls set_adapter); supervised
training makes none. Where a callback of yours does, call freeze_a after it.
"""

from axolotl.integrations.base import BasePlugin
${training.optimizer === 'lorafa' ? 'from peft.optimizers import create_lorafa_optimizer\n' : ''}

def freeze_a(model):
    for name, parameter in model.named_parameters():
        if ".lora_A." in name:
            parameter.requires_grad_(False)


class LoraFAPlugin(BasePlugin):
    def post_lora_load(self, cfg, model):
        freeze_a(model)
${
  training.optimizer === 'lorafa'
    ? `
    def create_optimizer(self, cfg, trainer):
        return create_lorafa_optimizer(trainer.model, r=cfg.lora_r, lora_alpha=cfg.lora_alpha, lr=float(cfg.learning_rate))
`
    : ''
}`,
})
