import { printable } from '../../../models/source.ts'
import { AXOLOTL_FAMILIES, AXOLOTL_IGNORED, AXOLOTL_REFUSED } from './axolotl-keys.ts'
import type { Format } from './format.ts'
import type { Reading } from './reading.ts'
import { flag, ignore, type Meaning, names, type Rule, refuse, text, to, word } from './rule.ts'
import { ATTENTION, followDeepSpeed, OPTIMIZERS, SHARDED } from './transformers.ts'

const LIGER: Rule = refuse("Liger's kernel is not modelled: its fused loss alone is")

/** `true`, `auto` (a device that has the type), or off. */
const precision: Rule = (value) => (value === 'auto' ? noted(true) : flag()(value))
const noted = (value: unknown): Meaning => ({ kind: 'noted', value })
const texts =
  (expected: string): Rule =>
  (value) =>
    Array.isArray(value) && value.every((item) => typeof item === 'string') ? noted(value) : { kind: 'wrong', expected }

/** What `axolotl train` takes. */
export const axolotl: Format = {
  name: 'axolotl',
  title: 'Axolotl',
  source: 'Axolotl of July 2026: utils/schemas',
  marks: [['base_model'], ['micro_batch_size', 'sequence_len']],
  keys: {
    base_model: text(),
    adapter: word({ lora: { method: 'lora' }, qlora: { method: 'lora' } }, ['llama-adapter', 'mora', 'oft']),
    load_in_8bit: flag(),
    load_in_4bit: flag(),
    bnb_config_kwargs: {
      bnb_4bit_use_double_quant: flag(),
      bnb_4bit_quant_type: refuse('4-bit NormalFloat is modelled', { off: ['nf4'] }),
      bnb_4bit_quant_storage: ignore('how packed weights are stored'),
    },
    lora_r: to('rank'),
    lora_alpha: to('lora_alpha'),
    lora_dropout: to('lora_dropout'),
    lora_target_modules: names('target_modules', ['all-linear']),
    lora_target_linear: flag(),
    lora_modules_to_save: names('modules_to_save'),
    peft_use_dora: to('use_dora'),
    peft_use_rslora: to('use_rslora'),
    peft_autocast_adapter_dtype: flag(),
    sequence_len: to('seq_len'),
    micro_batch_size: to('batch_size'),
    gradient_accumulation_steps: to('gradient_accumulation'),
    sample_packing: to('packing'),
    pad_to_sequence_len: flag(),
    pad_to_multiple_of: ignore('padding within the longest row'),
    optimizer: OPTIMIZERS,
    bf16: precision,
    fp16: precision,
    bfloat16: flag(),
    float16: flag(),
    float32: flag(),
    torch_dtype: ignore('not a field of Axolotl: bf16 and fp16 say it'),
    gradient_checkpointing: (value) =>
      typeof value === 'string' && value.startsWith('offload')
        ? { kind: 'refused', message: 'what checkpoints keep goes to the host', unless: 'gradient_checkpointing' }
        : flag()(value),
    gradient_checkpointing_kwargs: { use_reentrant: flag() },
    selective_checkpointing: {
      save: texts('a list of operations'),
      save_sliding_window: flag(),
      recompute_layer_types: refuse('layers that make their attention again are not modelled'),
      offload: refuse('moves what checkpoints keep to the host'),
    },
    attn_implementation: ATTENTION,
    flash_attention: flag(),
    sdp_attention: flag(),
    eager_attention: flag(),
    deepspeed: noted,
    fsdp: SHARDED,
    fsdp_config: noted,
    fsdp_version: ignore('belongs to fsdp'),
    tensor_parallel_size: (value) => (value === 1 ? ignore('1: no split')(value) : to('tp')(value)),
    plugins: texts('a list of plugins'),
    liger_rope: LIGER,
    liger_rms_norm: LIGER,
    liger_rms_norm_gated: LIGER,
    liger_layer_norm: LIGER,
    liger_glu_activation: LIGER,
    liger_swiglu: LIGER,
    liger_cross_entropy: LIGER,
    liger_use_token_scaling: LIGER,
    liger_fused_linear_cross_entropy: flag(),
    cut_cross_entropy: refuse('the loss of cut-cross-entropy is not modelled', {
      next: 'Say --fused-loss none for a step with whole logits, or --fused-loss liger.',
      unless: 'fused_loss',
    }),
  },
  ignored: AXOLOTL_IGNORED,
  refused: AXOLOTL_REFUSED,
  prefixes: AXOLOTL_FAMILIES,
  conclude(file) {
    file.nameModel('base_model')
    const adapter = file.raw('adapter') !== undefined
    if (!adapter) file.fallback('method', 'full', "Axolotl's adapter, which is not given")
    file.fallback('batch_size', 1, "Axolotl's micro_batch_size")
    file.fallback('seq_len', 512, "Axolotl's sequence_len")
    weights(file)
    attention(file)
    if (adapter) adapters(file)
    checkpointing(file)
    plugins(file)
    followDeepSpeed(file, "Axolotl's file")
    if (file.raw('fsdp_config') !== undefined && !file.isSet('fsdp')) file.set('fsdp', 'full_shard', 'fsdp_config')
  },
}

/** utils/config: weights are loaded in the type of the mixed precision. */
function weights(file: Reading): void {
  const bf16 = ['bf16', 'bfloat16'].find((key) => file.on(key))
  const fp16 = ['fp16', 'float16', 'load_in_8bit'].find((key) => file.on(key))
  if (bf16 !== undefined) file.set('dtype', 'bfloat16', bf16)
  else if (fp16 !== undefined) file.set('dtype', 'float16', fp16)
  else file.fallback('dtype', 'float32', "Axolotl's, without bf16 and fp16")
  if (file.on('bf16')) file.set('autocast', 'bfloat16', 'bf16')
  else if (file.on('fp16')) file.set('autocast', 'float16', 'fp16')
}

/** Old switches beside attn_implementation; loaders/model.py leaves norms and embeddings wide where nothing needs them narrow. */
function attention(file: Reading): void {
  const switches = [
    ['flash_attention', 'flash_attention_2'],
    ['sdp_attention', 'sdpa'],
    ['eager_attention', 'eager'],
  ] as const
  for (const [key, name] of switches) if (file.on(key) && !file.isSet('attention')) file.set('attention', name, key)
  const narrow = file.raw('adapter') !== undefined || file.values.attention === 'flash_attention_2'
  if (!narrow && file.values.dtype !== 'float32') {
    const key = ['bf16', 'bfloat16', 'fp16', 'float16', 'load_in_8bit'].find((k) => file.on(k)) ?? 'bf16'
    file.refuse(
      key,
      'full fine-tuning without FlashAttention keeps norms and embeddings in float32 beside half-precision linears',
      {
        next: 'Say --dtype for one type of all weights, or attn_implementation: flash_attention_2.',
        unless: 'dtype',
      },
    )
  }
}

/**
 * loaders/adapter.py. prepare_model_for_kbit_training widens norms and embeddings and loaders/model.py narrows them again, so
 * none are wide in the step.
 */
function adapters(file: Reading): void {
  if (file.on('lora_target_linear') && !file.isSet('target_modules'))
    file.set('target_modules', ['all-linear'], 'lora_target_linear')
  if (file.raw('peft_autocast_adapter_dtype') !== undefined)
    file.set(
      'adapter_dtype',
      file.on('peft_autocast_adapter_dtype') ? 'float32' : 'base',
      'peft_autocast_adapter_dtype',
    )
  const double = file.raw('bnb_config_kwargs.bnb_4bit_use_double_quant')
  if (file.raw('adapter') === 'qlora' && file.on('load_in_4bit'))
    file.set('quantize', double === undefined || double === true ? 'nf4-double' : 'nf4', 'load_in_4bit')
  else if (file.on('load_in_8bit')) file.set('quantize', 'int8', 'load_in_8bit')
  const said = ['lora_mlp_kernel', 'lora_qkv_kernel', 'lora_o_kernel', 'lora_embedding_kernel'].some(
    (k) => file.raw(k) !== undefined,
  )
  if (!said && !file.on('load_in_8bit'))
    file.warnings.push(
      'Axolotl turns its own LoRA kernels on where the file says nothing of them; they are not modelled: write lora_mlp_kernel, lora_qkv_kernel, lora_o_kernel, lora_embedding_kernel: false to train what is predicted here',
    )
}

/** utils/config: reentrant where nothing is said (core/builders/base.py would say otherwise, and comes later). */
function checkpointing(file: Reading): void {
  if (file.raw('gradient_checkpointing') === undefined) return
  const said = file.raw('gradient_checkpointing_kwargs.use_reentrant')
  const selective = ['save', 'save_sliding_window'].find(
    (key) => file.raw(`selective_checkpointing.${key}`) !== undefined,
  )
  // a policy needs checkpoints without reentrance, and gets them (monkeypatch/selective_checkpointing.py)
  const reentrant = selective === undefined && (said === undefined ? true : said === true)
  const value = !file.on('gradient_checkpointing') ? 'none' : reentrant ? 'reentrant' : 'non-reentrant'
  file.set('gradient_checkpointing', value, 'gradient_checkpointing')
  if (selective !== undefined && value !== 'none') kept(file, `selective_checkpointing.${selective}`)
}

const PRODUCTS = ['aten::addmm', 'aten::bmm', 'aten::mm', 'attention']

/** What `selective_checkpointing` keeps: attention, unless it says more. */
function kept(file: Reading, path: string): void {
  const save = (file.raw('selective_checkpointing.save') as readonly string[] | undefined) ?? ['attention']
  const said = [...save].sort().join()
  if (said === 'attention') file.set('checkpoint_keep', 'attention', path)
  else if (said === PRODUCTS.join()) file.set('checkpoint_keep', 'products', path)
  else
    file.refuse('selective_checkpointing.save', `${save.map(printable).join(', ')} is not modelled`, {
      next: `Say attention alone, or ${PRODUCTS.join(', ')}.`,
      unless: 'checkpoint_keep',
    })
  if (!file.on('selective_checkpointing.save_sliding_window'))
    file.warnings.push(
      "Axolotl makes attention within a sliding window again; here every layer's is kept: in a model with windows that is what save_sliding_window: true does",
    )
}

/** A plugin's arguments have keys of their own; cut-cross-entropy is on as soon as it is named. */
function plugins(file: Reading): void {
  for (const plugin of (file.raw('plugins') as readonly string[] | undefined) ?? []) {
    if (plugin === 'axolotl.integrations.liger.LigerPlugin') continue
    const isLoss = plugin === 'axolotl.integrations.cut_cross_entropy.CutCrossEntropyPlugin'
    if (isLoss && file.raw('cut_cross_entropy') !== undefined) continue
    const message = isLoss ? 'the loss of cut-cross-entropy is not modelled' : `${printable(plugin)} is not modelled`
    const next = 'Say --fused-loss none for a step with whole logits, or --fused-loss liger.'
    file.refuse('plugins', message, isLoss ? { next, unless: 'fused_loss' } : {})
  }
  if (file.on('liger_fused_linear_cross_entropy')) file.set('fused_loss', 'liger', 'liger_fused_linear_cross_entropy')
}
