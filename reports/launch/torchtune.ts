import { requireWhole } from './checkpoints.ts'
import {
  hasAdapter,
  isLoraFa,
  isQuantized,
  type Launch,
  type Launched,
  learningRate,
  refuse,
  requireOwnKernels,
  requireSharing,
} from './launch.ts'
import { yaml } from './write.ts'

/** Repositories whose sizes a builder of torchtune has (torchtune/models/MODULE/_model_builders.py), with its checkpointer's name. */
const BUILDERS: Readonly<Record<string, readonly [builder: string, checkpointer: string]>> = {
  'meta-llama/Llama-2-7b-hf': ['llama2.llama2_7b', 'LLAMA2'],
  'meta-llama/Llama-2-13b-hf': ['llama2.llama2_13b', 'LLAMA2'],
  'meta-llama/Llama-3.1-8B': ['llama3_1.llama3_1_8b', 'LLAMA3'],
  'meta-llama/Llama-3.2-1B': ['llama3_2.llama3_2_1b', 'LLAMA3_2'],
  'meta-llama/Llama-3.2-3B': ['llama3_2.llama3_2_3b', 'LLAMA3_2'],
}
const LINEARS: Readonly<Record<string, string>> = {
  q_proj: 'q_proj',
  k_proj: 'k_proj',
  v_proj: 'v_proj',
  o_proj: 'output_proj',
}
const MLP = ['gate_proj', 'up_proj', 'down_proj']
const TYPES: Readonly<Record<string, string>> = { bfloat16: 'bf16', float32: 'fp32' }

/** torchtune's recipe for one device. @throws Refusal for what its recipes have no words for, LoRA-FA first of all */
export function torchtune(launch: Launch): Launched {
  const { training } = launch
  const [builder, checkpointer] = requireSayable(launch)
  const [module = '', name = ''] = builder.split('.')
  const lora = hasAdapter(launch)
  const files = tokenizerOf(module)
  const text = yaml({
    model: {
      _component_: `torchtune.models.${module}.${lora ? 'lora_' : ''}${name}`,
      ...(lora ? adapter(launch) : {}),
    },
    tokenizer: {
      _component_: `torchtune.models.${files.component}`,
      path: `checkpoint/${files.path}`,
      max_seq_len: training.seq_len,
    },
    checkpointer: {
      _component_: 'torchtune.training.FullModelHFCheckpointer',
      checkpoint_dir: 'checkpoint',
      checkpoint_files: ['model.safetensors'],
      recipe_checkpoint: null,
      output_dir: 'out',
      model_type: checkpointer,
    },
    resume_from_checkpoint: false,
    ...(lora ? { save_adapter_weights_only: true } : {}),
    dataset: { _component_: 'torchtune.datasets.alpaca_cleaned_dataset', packed: false },
    seed: 0,
    shuffle: true,
    batch_size: training.batch_size,
    epochs: 1,
    max_steps_per_epoch: null,
    gradient_accumulation_steps: training.gradient_accumulation,
    ...(lora ? {} : { optimizer_in_bwd: false }),
    clip_grad_norm: null,
    optimizer: {
      _component_: training.optimizer === 'sgd' ? 'torch.optim.SGD' : 'torch.optim.AdamW',
      ...(training.optimizer_impl === 'fused' ? { fused: true } : { foreach: training.optimizer_impl === 'foreach' }),
      lr: learningRate(launch),
    },
    ...(lora
      ? {
          lr_scheduler: {
            _component_: 'torchtune.training.lr_schedulers.get_cosine_schedule_with_warmup',
            num_warmup_steps: 100,
          },
        }
      : {}),
    loss: { _component_: 'torchtune.modules.loss.LinearCrossEntropyLoss' },
    compile: false,
    output_dir: 'out',
    metric_logger: { _component_: 'torchtune.training.metric_logging.DiskLogger', log_dir: 'out/logs' },
    log_every_n_steps: 1,
    log_peak_memory_stats: true,
    log_level: 'INFO',
    device: 'cuda',
    dtype: TYPES[training.dtype],
    enable_activation_checkpointing: training.gradient_checkpointing !== 'none',
    enable_activation_offloading: false,
    profiler: { _component_: 'torchtune.training.setup_torch_profiler', enabled: false },
  })
  const recipe = lora ? 'lora_finetune_single_device' : 'full_finetune_single_device'
  const notes = [
    'torchtune runs modules of its own, and a loss in chunks: its peak is not the one predicted',
    'checkpoint_files are an example: name the files of the checkpoint',
  ]
  const header = '# tune download MODEL --output-dir checkpoint\n'
  return {
    files: [{ name: 'torchtune.yaml', text: header + text }],
    command: `tune run ${recipe} --config torchtune.yaml`,
    notes,
  }
}

const tokenizerOf = (module: string): { component: string; path: string } =>
  module === 'llama2'
    ? { component: 'llama2.llama2_tokenizer', path: 'tokenizer.model' }
    : { component: 'llama3.llama3_tokenizer', path: 'original/tokenizer.model' }

function adapter({ training }: Launch) {
  const names = training.target_modules ?? []
  const all = names.includes('all-linear')
  return {
    lora_attn_modules: Object.entries(LINEARS)
      .filter(([hf]) => all || names.includes(hf))
      .map(([, name]) => name),
    apply_lora_to_mlp: all || names.includes('gate_proj'),
    apply_lora_to_output: false,
    lora_rank: training.rank,
    lora_alpha: training.lora_alpha ?? 8,
    lora_dropout: training.lora_dropout ?? 0,
    ...(training.use_dora ? { use_dora: true } : {}),
  }
}

function requireSayable(launch: Launch): readonly [string, string] {
  const { training, model } = launch
  const tool = 'torchtune'
  requireSharing(tool, launch, ['alone'])
  requireOwnKernels(tool, launch)
  if (isLoraFa(launch))
    refuse(tool, '--method', 'lora-fa: its recipes train A and B together', 'Say --emit peft or trl.')
  if (isQuantized(launch)) refuse(tool, '--quantize', "is bitsandbytes'; torchtune has torchao's", 'Say --emit trl.')
  if (training.optimizer !== 'adamw' && training.optimizer !== 'sgd')
    refuse(tool, '--optimizer', `${training.optimizer} is not emitted for it`, 'Say --optimizer adamw.')
  if (TYPES[training.dtype] === undefined || (training.autocast ?? 'none') !== 'none')
    refuse(tool, '--autocast', 'is not in its recipes: all weights and adapters have one type', 'Say --autocast none.')
  if (hasAdapter(launch) && training.dtype !== 'float32' && training.adapter_dtype !== 'base')
    refuse(tool, '--adapter-dtype', 'float32: its adapters have the type of the model', 'Say --adapter-dtype base.')
  if (training.gradient_checkpointing === 'reentrant')
    refuse(tool, '--gradient-checkpointing', 'reentrant is not its way', 'Say non-reentrant.')
  requireWhole(tool, launch)
  const names = training.target_modules ?? []
  const mlp = MLP.filter((name) => names.includes(name))
  const other = names.find((name) => name !== 'all-linear' && !Object.hasOwn(LINEARS, name) && !MLP.includes(name))
  if (other !== undefined || (mlp.length > 0 && mlp.length < MLP.length))
    refuse(
      tool,
      '--target-modules',
      `${names.join(',')}: it adapts attention by name, and the MLP whole`,
      'Say all-linear, or only attention.',
    )
  const found = Object.entries(BUILDERS).find(([repository]) => repository.toLowerCase() === model.toLowerCase())
  if (found === undefined)
    refuse(
      tool,
      'the model',
      `${model} has no builder that is known here`,
      `Known: ${Object.keys(BUILDERS).join(', ')}.`,
    )
  return found[1]
}
