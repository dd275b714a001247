import type { Adapter } from './adapter.ts'
import { DECODER_KEYS, type DecoderDefaults, readDecoder } from './decoder.ts'
import type { GraniteSpec } from './spec.ts'

/** configuration_granite.py of transformers 5.23. */
const DEFAULTS: DecoderDefaults = {
  kvHeads: undefined,
  hiddenDivisible: false,
  intermediate: 11008,
  vocab: 32000,
  activationKey: 'hidden_act',
  activation: 'silu',
  tied: false,
  normEps: 1e-6,
  ropeTheta: 10_000,
  maxPositions: 2048,
}

const MULTIPLIER = { min: 1e-9, max: 1e9 }

/** Granite 3 and 4 without experts. */
export const graniteAdapter: Adapter = {
  classes: { granite: { GraniteForCausalLM: { task: 'causal-lm' } } },
  keys: [
    ...DECODER_KEYS,
    'hidden_act',
    'mlp_bias',
    'embedding_multiplier',
    'attention_multiplier',
    'residual_multiplier',
    'logits_scaling',
  ],
  read: (fields, common, keep): GraniteSpec => {
    const multiplier = (field: string, key: string): number => fields.number(field, key, MULTIPLIER, { value: 1 })
    return {
      ...readDecoder(fields, common, keep, DEFAULTS).decoder,
      family: 'granite',
      mlpBias: fields.boolean('mlpBias', 'mlp_bias', { value: false }),
      embeddingMultiplier: multiplier('embeddingMultiplier', 'embedding_multiplier'),
      attentionMultiplier: multiplier('attentionMultiplier', 'attention_multiplier'),
      residualMultiplier: multiplier('residualMultiplier', 'residual_multiplier'),
      logitsScaling: multiplier('logitsScaling', 'logits_scaling'),
    }
  },
}
