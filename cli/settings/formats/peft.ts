import { describeValue } from '../../../models/source.ts'
import type { Format } from './format.ts'
import { names, refuse, text, to, word } from './rule.ts'

const NOT_LORA = 'only LoRA and what it turns into are modelled'

/** The file beside a saved adapter, and what `LoraConfig.save_pretrained` writes. */
export const peft: Format = {
  name: 'peft',
  title: "PEFT's adapter_config.json",
  source: 'peft 0.21: LoraConfig in tuners/lora/config.py',
  marks: [['peft_type']],
  reject({ peft_type }) {
    if (peft_type === 'LORA' || typeof peft_type !== 'string') return undefined
    const next = 'Give the file of a LORA adapter.'
    return { key: 'peft_type', message: `is ${describeValue(peft_type)}: ${NOT_LORA}`, next }
  },
  keys: {
    peft_type: word({ LORA: { method: 'lora' } }),
    base_model_name_or_path: text(),
    r: to('rank'),
    lora_alpha: to('lora_alpha'),
    lora_dropout: to('lora_dropout'),
    target_modules: names('target_modules'),
    modules_to_save: names('modules_to_save'),
    use_dora: to('use_dora'),
    use_rslora: to('use_rslora'),
    task_type: word(
      {
        CAUSAL_LM: { task: 'causal-lm' },
        SEQ_CLS: { task: 'sequence-classification' },
        SEQ_2_SEQ_LM: { task: 'seq2seq-lm' },
      },
      ['TOKEN_CLS', 'QUESTION_ANS', 'FEATURE_EXTRACTION'],
    ),
    bias: refuse('trains biases too', { off: ['none'] }),
    use_bdlora: refuse('splits the adapter into blocks'),
  },
  ignored: {
    'values that weights begin with, no shapes':
      'init_lora_weights loftq_config eva_config corda_config lora_ga_config',
    'a factor, no shapes': 'alpha_pattern',
    'for Conv1D, which PEFT finds out by itself': 'fan_in_fan_out',
    'a name or a version': 'revision peft_version auto_mapping megatron_core',
    'how a saved adapter was loaded; here it trains': 'inference_mode',
    'names layers for layers_to_transform': 'layers_pattern',
    'where adapters are placed while they load': 'runtime_config',
    'for use_qalora': 'qalora_group_size',
  },
  refused: {
    'gives some linears another rank': 'rank_pattern',
    'adapts some layers and not others': 'layers_to_transform exclude_modules',
    'copies layers': 'layer_replication',
    'adapts parameters that are no linears': 'target_parameters',
    'trains rows of an embedding': 'trainable_token_indices',
    'changes what an adapted linear computes':
      'use_qalora lora_bias megatron_config alora_invocation_tokens arrow_config kasa_config velora_config monteclora_config',
    'ties the copies of modules_to_save': 'ensure_weight_tying',
  },
  conclude(file) {
    file.nameModel('base_model_name_or_path')
    // peft_model.py, PeftModelForSequenceClassification adds "classifier" and "score"; the models that classify here have the first
    if (file.raw('task_type') === 'SEQ_CLS' && !file.isSet('modules_to_save')) {
      file.fallback('modules_to_save', ['classifier'], 'PEFT adds the head of a classifier for SEQ_CLS')
    }
  },
}
