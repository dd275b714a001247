import type { Format } from './format.ts'
import type { Reading } from './reading.ts'
import { flag, ignore, type Keys, type Rule, refuse, text, to, word } from './rule.ts'

/**
 * torchtune's builders (torchtune/models/MODULE/_model_builders.py) → the catalog's model of the same sizes, without the
 * `lora_` and `qlora_` that say the method.
 */
const BUILDERS: Readonly<Record<string, string>> = {
  'llama2.llama2_7b': 'llama-2-7b',
  'llama2.llama2_13b': 'llama-2-13b',
  'llama2.llama2_70b': 'llama-2-70b',
  'llama3.llama3_8b': 'llama-3-8b',
  'llama3_1.llama3_1_8b': 'llama-3.1-8b',
  'llama3_1.llama3_1_70b': 'llama-3.1-70b',
  'llama3_2.llama3_2_1b': 'llama-3.2-1b',
  'llama3_2.llama3_2_3b': 'llama-3.2-3b',
  'mistral.mistral_7b': 'mistral-7b',
  'qwen2_5.qwen2_5_0_5b': 'qwen2.5-0.5b',
  'qwen2_5.qwen2_5_1_5b': 'qwen2.5-1.5b',
  'qwen2_5.qwen2_5_3b': 'qwen2.5-3b',
  'qwen2_5.qwen2_5_7b': 'qwen2.5-7b',
  'qwen2_5.qwen2_5_14b': 'qwen2.5-14b',
  'qwen2_5.qwen2_5_32b': 'qwen2.5-32b',
  'qwen2_5.qwen2_5_72b': 'qwen2.5-72b',
  'qwen3.qwen3_0_6b': 'qwen3-0.6b',
  'qwen3.qwen3_1_7b': 'qwen3-1.7b',
  'qwen3.qwen3_4b': 'qwen3-4b',
  'qwen3.qwen3_8b': 'qwen3-8b',
  'qwen3.qwen3_14b': 'qwen3-14b',
  'qwen3.qwen3_32b': 'qwen3-32b',
  'gemma.gemma_2b': 'gemma-2b',
  'gemma.gemma_7b': 'gemma-7b',
  'gemma2.gemma2_2b': 'gemma-2-2b',
  'gemma2.gemma2_9b': 'gemma-2-9b',
  'gemma2.gemma2_27b': 'gemma-2-27b',
  'phi3.phi3_mini': 'phi-3-mini',
  'phi4.phi4_14b': 'phi-4',
}

/** torchtune's names of a block's linears → those of transformers. */
const LINEARS: Readonly<Record<string, string>> = {
  q_proj: 'q_proj',
  k_proj: 'k_proj',
  v_proj: 'v_proj',
  output_proj: 'o_proj',
}
const MLP = ['gate_proj', 'up_proj', 'down_proj']

/** What a component names, without the package: `llama3_2.lora_llama3_2_1b`. */
const component: Rule = (value) =>
  typeof value === 'string' && /^[\w.]+$/.test(value)
    ? { kind: 'noted', value }
    : { kind: 'wrong', expected: 'the dotted name of a component' }

const OPTIMIZERS: Rule = (value) => {
  switch (value) {
    case 'torch.optim.AdamW':
      return { kind: 'sets', options: { optimizer: 'adamw' } }
    case 'torch.optim.SGD':
      return { kind: 'sets', options: { optimizer: 'sgd' } }
    case 'bitsandbytes.optim.PagedAdamW8bit':
      return { kind: 'sets', options: { optimizer: 'paged-adamw-8bit' } }
    case 'bitsandbytes.optim.AdamW8bit':
      return { kind: 'sets', options: { optimizer: 'adamw-8bit' } }
    default:
      return typeof value === 'string'
        ? { kind: 'refused', message: 'this optimizer is not modelled', unless: 'optimizer' }
        : { kind: 'wrong', expected: 'the dotted name of an optimizer' }
  }
}

const LOSS: Rule = (value) => {
  if (typeof value !== 'string') return { kind: 'wrong', expected: 'the dotted name of a loss' }
  if (value === 'torch.nn.CrossEntropyLoss') return { kind: 'sets', options: { fused_loss: 'none' } }
  const next = 'Say --fused-loss none for whole logits (more), or --fused-loss liger (fewer).'
  return { kind: 'refused', message: "torchtune's loss in chunks is not modelled", next, unless: 'fused_loss' }
}

const MODEL: Keys = {
  _component_: component,
  lora_attn_modules: (value) =>
    Array.isArray(value) && value.every((v) => typeof v === 'string' && Object.hasOwn(LINEARS, v))
      ? { kind: 'noted', value }
      : { kind: 'wrong', expected: `a list of ${Object.keys(LINEARS).join(', ')}` },
  apply_lora_to_mlp: flag(),
  apply_lora_to_output: flag(),
  lora_rank: to('rank'),
  lora_alpha: to('lora_alpha'),
  lora_dropout: to('lora_dropout'),
  use_dora: to('use_dora'),
  quantize_base: flag(),
}

/** A recipe's file, for `tune run`. */
export const torchtune: Format = {
  name: 'torchtune',
  title: 'torchtune',
  source: 'torchtune of April 2026: recipes/configs',
  marks: [['model._component_'], ['checkpointer._component_'], ['optimizer._component_']],
  reject(file) {
    const other = ['tasks', 'max_new_tokens', 'max_generated_tokens', 'forward_batch_size', 'grpo_samples'].find(
      (key) => key in file,
    )
    if (other === undefined && 'optimizer' in file && 'dataset' in file) return undefined
    const next = 'Give the file of a full or LoRA fine-tuning recipe.'
    return {
      key: other ?? 'model',
      message: 'belongs to a recipe that trains on no labelled text: it is not modelled',
      next,
    }
  },
  keys: {
    model: MODEL,
    tokenizer: {
      _component_: component,
      max_seq_len: to('seq_len'),
      path: ignore('which files are loaded'),
      merges_file: ignore('which files are loaded'),
      vocab_path: ignore('which files are loaded'),
      merges_path: ignore('which files are loaded'),
      prompt_template: ignore('the data and its text'),
      image_size: refuse('images'),
      max_num_tiles: refuse('images'),
    },
    dataset: (value) =>
      value !== null && typeof value === 'object' && 'packed' in value && value.packed === true
        ? { kind: 'sets', options: { packing: true } }
        : ignore('the data and its text')(value),
    batch_size: to('batch_size'),
    gradient_accumulation_steps: to('gradient_accumulation'),
    dtype: word({ bf16: { dtype: 'bfloat16' }, fp32: { dtype: 'float32' } }, ['fp16']),
    optimizer: {
      _component_: OPTIMIZERS,
      fused: flag(),
      foreach: flag(),
      lr: ignore('how weights move, no shapes'),
      weight_decay: ignore('how weights move, no shapes'),
      betas: ignore('how weights move, no shapes'),
      eps: ignore('how weights move, no shapes'),
      momentum: refuse('keeps a momentum'),
    },
    optimizer_in_bwd: refuse('steps each parameter in the backward, so gradients never live together'),
    loss: { _component_: LOSS, num_output_chunks: ignore('belongs to the loss') },
    enable_activation_checkpointing: flag(),
    ac_mode: text(),
    ac_option: (value) => ({ kind: 'noted', value }),
    enable_activation_offloading: refuse('moves activations to the host'),
    compile: refuse('compiled code keeps other tensors'),
    tensor_parallel_dim: refuse("divides torchtune's own modules by its own plan; transformers' plan is modelled", {
      off: [1],
      next: 'Say --tp for what transformers makes of it.',
      unless: 'tp',
    }),
    data_parallel_shard_dim: ignore('as many as there are devices, unless it is said'),
    data_parallel_replicate_dim: ignore('copies: the same on each device'),
    max_seq_len: to('seq_len'),
    seed: ignore('how batches are fetched and drawn'),
    model_name: text(),
  },
  ignored: {
    'what is saved, and where':
      'output_dir checkpointer resume_from_checkpoint save_adapter_weights_only enable_async_checkpointing',
    'how batches are fetched and drawn': 'shuffle collate_fn',
    'how long it trains': 'epochs max_steps_per_epoch',
    'how weights move, no shapes': 'lr_scheduler',
    'clipping scales gradients in place': 'clip_grad_norm',
    'what is logged': 'metric_logger log_every_n_steps log_peak_memory_stats log_level profiler',
    'evaluation; its memory is not predicted': 'dataset_val batch_size_val run_val_every_n_steps',
    'which device it is': 'device',
    'how weights are loaded': 'low_cpu_ram',
    'belongs to sharding': 'custom_sharded_layers tensor_parallel_plan cudnn_deterministic_mode',
  },
  refused: {
    'trains with quantization': 'quantizer fake_quant_after_n_steps',
    'a second model': 'teacher_model teacher_checkpointer kd_loss kd_ratio ref_checkpointer reward_and_value_model',
    'moves parameters to the host': 'fsdp_cpu_offload fsdp',
    'splits the model another way': 'context_parallel_dim',
    'trains in 8-bit floats': 'enable_fp8_training fp8_recipe_name',
  },
  conclude(file) {
    method(file)
    targets(file)
    if (file.on('optimizer.fused')) file.set('optimizer_impl', 'fused', 'optimizer.fused')
    // bitsandbytes has one way to go over parameters
    else if (file.values.optimizer === 'adamw' || file.values.optimizer === 'sgd')
      file.fallback('optimizer_impl', 'foreach', "torch.optim's choice on a CUDA device")
    file.fallback('batch_size', 1, 'the recipe names no batch_size')
    file.fallback('adapter_dtype', 'base', 'torchtune holds adapters in the type of the model')
    const checkpoints = file.on('enable_activation_checkpointing')
    file.set('gradient_checkpointing', checkpoints ? 'non-reentrant' : 'none', 'enable_activation_checkpointing')
    if (!checkpoints) layers(file)
    file.warnings.push(
      'torchtune trains modules of its own; the figures are for the same model and setting as transformers and PEFT run it',
    )
  },
}

/**
 * training/activations.py: one layer in `ac_option`, the last of them; 0 is each. The recipes take it where not all are
 * checkpointed.
 */
function layers(file: Reading): void {
  const mode = file.text('ac_mode')
  if (mode === undefined || mode === 'none') return
  if (mode === 'full' || mode === 'selective') file.set('gradient_checkpointing', 'non-reentrant', 'ac_mode')
  else file.wrong('ac_mode', mode, 'none, full or selective')
  if (mode === 'selective' && file.raw('ac_option') !== 0)
    file.set('checkpoint_every', file.raw('ac_option') ?? 1, 'ac_option')
}

function method(file: Reading): void {
  const [, , module = '', builder = ''] = (file.text('model._component_') ?? '').split('.')
  const said = /^(q?lora)_/.exec(builder)?.[1]
  const plain = builder.replace(/^q?lora_/, '').replace(/_(base|instruct)$/, '')
  const known = BUILDERS[`${module}.${plain}`]
  if (known !== undefined) file.model = { name: known, where: file.place('model._component_') }
  else if (builder !== '') file.model = { name: `${module}.${builder}`, where: file.place('model._component_') }
  if (file.text('model._component_') === undefined) return
  file.set('method', said === undefined ? 'full' : 'lora', 'model._component_')
  if (said === 'qlora' || file.on('model.quantize_base'))
    file.refuse('model._component_', "torchao's NF4 is not bitsandbytes', which is modelled", {
      next: "Say --quantize nf4 for bitsandbytes'.",
      unless: 'quantize',
    })
}

/** Builders adapt what lora_attn_modules names, the MLP and the head where they are told to. */
function targets(file: Reading): void {
  const attention = file.raw('model.lora_attn_modules')
  if (!Array.isArray(attention)) return
  const mlp = file.on('model.apply_lora_to_mlp') ? MLP : []
  const named = attention.map((name) => LINEARS[String(name)]!)
  file.set(
    'target_modules',
    [...named, ...mlp, ...(file.on('model.apply_lora_to_output') ? ['lm_head'] : [])],
    'model.lora_attn_modules',
  )
}
