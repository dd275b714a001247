import * as fc from 'fast-check'
import { type ModelSpec, specFromCatalog } from '../../models/index.ts'
import type { TrainSpec } from '../training/spec.ts'
import { resolveStack, STACKS, type Stack } from './stack.ts'

/** A model cut to some layers, how it trains, and on what. */
export interface Case {
  readonly model: ModelSpec
  readonly train: TrainSpec
  readonly stack: Stack
}

const drawn = fc.record({
  name: fc.constantFrom(
    'smollm2-135m',
    'llama-3.2-1b',
    'tinyllama-1.1b',
    'qwen2.5-0.5b',
    'qwen3-0.6b',
    'gemma-2b',
    'gemma-2-2b',
    'gemma-3-1b',
    'olmo-2-1b',
    'granite-3.1-2b',
    'smollm3-3b',
    'mixtral-8x7b',
    'qwen3-30b-a3b',
    // experts in every other layer
    'qwen3-30b-a3b/2',
    'stablelm-2-1.6b',
    'gpt2',
    'opt-125m',
    'phi-2',
    'phi-3-mini',
    'pythia-410m',
    'bert-base',
    'roberta-base',
    'distilbert-base',
    'modernbert-base',
  ),
  layers: fc.integer({ min: 8, max: 11 }),
  method: fc.constantFrom('full', 'lora', 'lora-fa'),
  batch: fc.integer({ min: 1, max: 3 }),
  tokens: fc.integer({ min: 2, max: 80 }),
  attention: fc.constantFrom('eager', 'sdpa'),
  checkpointing: fc.constantFrom('none', 'reentrant', 'non-reentrant'),
  selective: fc.constantFrom<Pick<TrainSpec, 'checkpointEvery' | 'checkpointKeep'>>(
    {},
    {},
    { checkpointEvery: 2 },
    { checkpointKeep: 'attention' },
    { checkpointEvery: 2, checkpointKeep: 'products' },
  ),
  optimizer: fc.constantFrom('adamw', 'sgd'),
  optimizerImpl: fc.constantFrom('foreach', 'fused', 'for-loop'),
  accumulation: fc.constantFrom(1, 2, 3),
  withReference: fc.boolean(),
  quantize: fc.constantFrom(null, null, { kind: 'nf4-double', prepare: true } as const),
  rank: fc.integer({ min: 1, max: 16 }),
  dropout: fc.constantFrom(0, 0.1),
  dtype: fc.constantFrom('bfloat16', 'float32'),
  stack: fc.constantFrom(...STACKS.map((s) => s.name)),
} as const)

/** A catalog's model, or Qwen3-MoE with experts in a layer of two. */
function publishedAs(name: string): ModelSpec {
  const [known, every] = name.split('/')
  const model = specFromCatalog(known!)
  return model.family === 'qwen3_moe' && every ? { ...model, kinds: ['mlp', 'experts'] } : model
}

/** All linears; beside experts the attention's. */
const targetsOf = (model: ModelSpec): readonly string[] =>
  'experts' in model ? ['q_proj', 'k_proj', 'v_proj', 'o_proj'] : ['all-linear']

/** Settings of all families that have layers to count, valid on their stack. */
export const settings: fc.Arbitrary<Case> = drawn
  .map(({ name, layers, rank, dropout, method, withReference, quantize, selective: some, stack: named, ...s }) => {
    const published = publishedAs(name)
    const selective = s.checkpointing !== 'non-reentrant' || !named.includes('transformers-5') ? {} : some
    // DistilBERT has fewer than would pay; where kinds of layers take turns, more are needed.
    const model =
      'kinds' in published
        ? { ...published, layers: 3 * layers, slidingWindow: 40 }
        : 'layers' in published
          ? { ...published, layers: selective.checkpointEvery ? 2 * layers : layers }
          : published
    const train: TrainSpec = {
      ...s,
      ...selective,
      // grouped keys in float32 have no fused kernel, and are refused
      attention:
        'kvHeads' in model && model.kvHeads < model.heads && (s.dtype === 'float32' || quantize)
          ? 'eager'
          : s.attention,
      method,
      targetTokens: s.tokens,
      padding: false,
      reference: withReference && method !== 'full',
      autocast: 'none',
      task: model.task,
      // A quantized Conv1D is refused, and ModernBERT.
      ...(quantize && method !== 'full' && !['gpt2', 'modernbert'].includes(model.family) ? { quantize } : {}),
      adapter:
        method === 'full'
          ? null
          : { rank, alpha: rank, dropout, targets: targetsOf(model), dtype: 'float32', rslora: false },
    }
    return {
      model,
      train,
      stack: resolveStack(named),
      [fc.toStringMethod]: () => `${model.name} of ${layers} layers, ${JSON.stringify(train)}, ${named}`,
    }
  })
  .filter(({ model, stack }) => stack.library.modelTypes?.has(model.modelType) !== false)
