/**
 * Where PEFT 0.21 puts LoRA if nobody says: TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING in peft/utils/constants.py, by
 * `model_type`. Only the types that can be built here.
 */
const PEFT_TARGETS: Readonly<Record<string, readonly string[]>> = {
  t5: ['q', 'v'],
  mt5: ['q', 'v'],
  bart: ['q_proj', 'v_proj'],
  gpt2: ['c_attn'],
  opt: ['q_proj', 'v_proj'],
  gpt_neox: ['query_key_value'],
  bert: ['query', 'value'],
  roberta: ['query', 'value'],
  'xlm-roberta': ['query', 'value'],
  llama: ['q_proj', 'v_proj'],
  mistral: ['q_proj', 'v_proj'],
  mixtral: ['q_proj', 'v_proj'],
  stablelm: ['q_proj', 'v_proj'],
  phi: ['q_proj', 'v_proj', 'fc1', 'fc2'],
  gemma: ['q_proj', 'v_proj'],
  gemma2: ['q_proj', 'v_proj'],
  gemma3_text: ['q_proj', 'v_proj'],
  qwen2: ['q_proj', 'v_proj'],
  qwen3: ['q_proj', 'v_proj'],
}

/** PEFT's targets for a model type; undefined where it demands `target_modules`. */
export function defaultTargets(modelType: string): readonly string[] | undefined {
  return Object.hasOwn(PEFT_TARGETS, modelType) ? PEFT_TARGETS[modelType] : undefined
}
