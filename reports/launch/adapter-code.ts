import { enableCode, isSelective } from './checkpoints.ts'
import { hasAdapter, isLoraFa, isQuantized, type Launch, torchType } from './launch.ts'
import { python, targets } from './write.ts'

const TASKS: Readonly<Record<string, readonly [loader: string, peft: string]>> = {
  'causal-lm': ['AutoModelForCausalLM', 'CAUSAL_LM'],
  'sequence-classification': ['AutoModelForSequenceClassification', 'SEQ_CLS'],
  'seq2seq-lm': ['AutoModelForSeq2SeqLM', 'SEQ_2_SEQ_LM'],
}

/** transformers' class of automatic loading for the task. */
export const loaderOf = ({ training }: Launch): string => TASKS[training.task]?.[0] ?? 'AutoModelForCausalLM'

/** Python: `load(name)`, the base as it was predicted, quantized where it is. */
export function loadCode(launch: Launch): string {
  const { training } = launch
  const quantize = isQuantized(launch) ? `\n        quantization_config=${quantization(launch)},` : ''
  const prepare = training.prepare_kbit === true ? prepared(launch) : ''
  return `def load(name):
    model = ${loaderOf(launch)}.from_pretrained(
        name,
        dtype=${torchType(training.dtype)},
        attn_implementation=${python(training.attention)},${quantize}
    )
    model.config.use_cache = False${prepare}
    return model
`
}

function quantization({ training }: Launch): string {
  if (training.quantize === 'int8') return 'BitsAndBytesConfig(load_in_8bit=True)'
  const double = training.quantize === 'nf4-double' ? ', bnb_4bit_use_double_quant=True' : ''
  const type = training.autocast === 'none' || training.autocast === undefined ? training.dtype : training.autocast
  return `BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4"${double}, bnb_4bit_compute_dtype=${torchType(type)})`
}

/** A selective checkpoint is more than PEFT hands on: it comes after. */
const prepared = (launch: Launch): string =>
  launch.training.gradient_checkpointing === 'none' || isSelective(launch)
    ? '\n    model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)'
    : `\n    model = prepare_model_for_kbit_training(model, ${enableCode(launch)})`

/**
 * Python: `adapt(model)`, PEFT's adapter. No task_type but for causal models: PEFT would train the head of a classifier whole, and
 * modules_to_save says what trains.
 */
export function adaptCode(launch: Launch): string {
  const { training } = launch
  if (!hasAdapter(launch)) return ''
  const freeze = isLoraFa(launch) ? '\n    freeze_a(model)' : ''
  const checkpoints = training.gradient_checkpointing !== 'none'
  const inputs = checkpoints ? '\n    model.enable_input_require_grads()' : ''
  // ZeRO 3 gathers what stays whole by the type of the first, and the engine casts adapters anyway (deepspeedai/DeepSpeed issue 8072)
  const plainDtype = training.adapter_dtype === 'base' || training.zero === 3 ? ', autocast_adapter_dtype=False' : ''
  const lines = [
    `r=${training.rank}`,
    `lora_alpha=${python(training.lora_alpha ?? 8)}`,
    `lora_dropout=${python(training.lora_dropout ?? 0)}`,
    `target_modules=${python(targets(training.target_modules))}`,
    ...(training.modules_to_save?.length ? [`modules_to_save=${python(training.modules_to_save)}`] : []),
    ...(training.use_rslora ? ['use_rslora=True'] : []),
    ...(training.use_dora ? ['use_dora=True'] : []),
    ...(training.task === 'causal-lm' ? ['task_type="CAUSAL_LM"'] : []),
  ]
  return `def adapt(model):
    config = LoraConfig(
${lines.map((line) => `        ${line},`).join('\n')}
    )
    model = get_peft_model(model, config${plainDtype})${inputs}${freeze}
    return model
`
}

/** Python: A stays frozen, also after a pass with the adapter disabled. */
export const FREEZE_CODE = `def freeze_a(model):
    """LoRA-FA trains B alone: no gradient of A is asked for, so no input of an adapted linear is kept."""
    for name, parameter in model.named_parameters():
        if ".lora_A." in name:
            parameter.requires_grad_(False)


@contextmanager
def base_model(model):
    """The model without its adapter. Where disable_adapter() ends, PEFT lets the whole adapter require a gradient again
    (enable_adapters calls set_adapter): A would keep every input from then on, and is frozen again here."""
    try:
        with model.disable_adapter():
            yield model
    finally:
        freeze_a(model)
`

/** Python: \`optimizer_of(model)\`. */
export function optimizerCode(launch: Launch, rate: number): string {
  const { training } = launch
  const { optimizer, optimizer_impl: impl } = training
  const body = (() => {
    if (optimizer === 'lorafa')
      return `create_lorafa_optimizer(model, r=${training.rank}, lora_alpha=${python(training.lora_alpha ?? 8)}, lr=${rate})`
    const trained = '[p for p in model.parameters() if p.requires_grad]'
    const way = impl === 'fused' ? 'fused=True' : `foreach=${python(impl === 'foreach')}`
    const classes: Readonly<Record<string, string>> = {
      adamw: `torch.optim.AdamW(${trained}, lr=${rate}, weight_decay=0.0, ${way})`,
      sgd: `torch.optim.SGD(${trained}, lr=${rate}, ${way})`,
      'adamw-8bit': `bitsandbytes.optim.AdamW8bit(${trained}, lr=${rate}, weight_decay=0.0)`,
      'paged-adamw-8bit': `bitsandbytes.optim.PagedAdamW8bit(${trained}, lr=${rate}, weight_decay=0.0)`,
      adafactor: `Adafactor(${trained}, lr=${rate}, scale_parameter=False, relative_step=False)`,
    }
    return classes[optimizer]!
  })()
  return `def optimizer_of(model):
    return ${body}
`
}

/** The import lines that the pieces above need. */
export function importsOf(launch: Launch): string[] {
  const { training } = launch
  const peft = [
    ...(hasAdapter(launch) ? ['LoraConfig', 'get_peft_model'] : []),
    ...(training.prepare_kbit ? ['prepare_model_for_kbit_training'] : []),
  ]
  const eightBit = training.optimizer.endsWith('8bit')
  return [
    ...(eightBit ? ['import bitsandbytes'] : []),
    'import torch',
    ...(peft.length > 0 ? [`from peft import ${peft.join(', ')}`] : []),
    ...(training.optimizer === 'lorafa' ? ['from peft.optimizers import create_lorafa_optimizer'] : []),
  ]
}

/** transformers' names beside the loader. */
export const transformersNames = (launch: Launch): string[] => [
  loaderOf(launch),
  ...(isQuantized(launch) ? ['BitsAndBytesConfig'] : []),
  ...(launch.training.optimizer === 'adafactor' ? ['Adafactor'] : []),
]
