import { ModelError } from '../issue.ts'
import { didYouMean } from '../nearest.ts'
import { describeValue } from '../source.ts'
import { type Gguf, ggufInteger } from './gguf.ts'

/** GGUF's architectures (gguf-py/gguf/constants.py, `MODEL_ARCH_NAMES`) whose program is one of ours → `model_type`. */
const ARCHITECTURES: Readonly<Record<string, { readonly type: string; readonly className: string }>> = {
  llama: { type: 'llama', className: 'LlamaForCausalLM' },
  qwen2: { type: 'qwen2', className: 'Qwen2ForCausalLM' },
  qwen3: { type: 'qwen3', className: 'Qwen3ForCausalLM' },
  gemma: { type: 'gemma', className: 'GemmaForCausalLM' },
  phi3: { type: 'phi3', className: 'Phi3ForCausalLM' },
}

/** Key of config.json → key of GGUF, after the architecture's name. */
const SIZES: Readonly<Record<string, string>> = {
  hidden_size: 'embedding_length',
  intermediate_size: 'feed_forward_length',
  num_hidden_layers: 'block_count',
  num_attention_heads: 'attention.head_count',
  num_key_value_heads: 'attention.head_count_kv',
  head_dim: 'attention.key_length',
  max_position_embeddings: 'context_length',
}

/** Types that a base keeps when it is loaded; others are dequantized. */
const FLOATS: Readonly<Record<string, string>> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' }

/** A GGUF file as the config.json that describes the same model. */
export interface GgufConfig {
  readonly config: Readonly<Record<string, unknown>>
  /** The weights are packed: loading makes float32 of them. */
  readonly packed: boolean
}

/**
 * The config.json that a GGUF file's metadata stands for. Biases and a tied head are read off the names of the tensors.
 *
 * @throws ModelError for an architecture that is not modelled, or experts
 */
export function ggufConfig(file: Gguf, label: string): GgufConfig {
  const name = file.keys.get('general.architecture')
  const known = typeof name === 'string' && Object.hasOwn(ARCHITECTURES, name) ? ARCHITECTURES[name] : undefined
  if (known === undefined || typeof name !== 'string') throw unknown(name, label)
  const experts = ggufInteger(file, `${name}.expert_count`, label) ?? 0
  if (experts > 0) throw refused(`${label} ${name}.expert_count`, `is ${experts}`, 'no experts')
  const sizes = Object.entries(SIZES)
    .map(([key, from]): [string, number | undefined] => [key, ggufInteger(file, `${name}.${from}`, label)])
    .filter(([, value]) => value !== undefined)
  const names = new Set(file.tensors.map((tensor) => tensor.name))
  const embedding = file.tensors.find((tensor) => tensor.name === 'token_embd.weight')
  const widest = file.tensors.filter(({ shape }) => shape.length > 1)
  const dtypes = new Set(widest.map(({ dtype }) => FLOATS[dtype]))
  const packed = dtypes.has(undefined) || dtypes.size !== 1
  const config = {
    architectures: [known.className],
    model_type: known.type,
    ...Object.fromEntries(sizes),
    ...(embedding === undefined ? {} : { vocab_size: embedding.shape[0] }),
    tie_word_embeddings: !names.has('output.weight'),
    ...(known.type === 'llama' ? { attention_bias: names.has('blk.0.attn_q.bias') } : {}),
    dtype: packed ? 'float32' : [...dtypes][0],
  }
  return { config, packed }
}

function unknown(name: unknown, label: string): ModelError {
  const known = Object.keys(ARCHITECTURES)
  const where = `${label} general.architecture`
  const next =
    typeof name === 'string' ? didYouMean(name, known, 'Give the config.json of the model.') : 'Is it a model?'
  const message = name === undefined ? 'is missing' : `${describeValue(name)} is not read from GGUF`
  return new ModelError([
    { code: 'unknown-architecture', where, message, expected: `one of ${known.join(', ')}`, next },
  ])
}

const refused = (where: string, message: string, expected: string): ModelError =>
  new ModelError([{ code: 'unsupported', where, message, expected, next: 'Mixtures of experts are not modelled.' }])
