import type { Adapter } from './adapter.ts'
import { DECODER_KEYS, type DecoderDefaults, readDecoder } from './decoder.ts'
import type { Olmo2Spec } from './spec.ts'

/** configuration_olmo2.py of transformers 5.23. */
const DEFAULTS: DecoderDefaults = {
  kvHeads: undefined,
  hiddenDivisible: false,
  intermediate: 11008,
  vocab: 50304,
  activationKey: 'hidden_act',
  activation: 'silu',
  tied: false,
  normEps: 1e-5,
  ropeTheta: 10_000,
  maxPositions: 2048,
}

/** OLMo 2. */
export const olmo2Adapter: Adapter = {
  classes: { olmo2: { Olmo2ForCausalLM: { task: 'causal-lm' } } },
  keys: [...DECODER_KEYS, 'hidden_act'],
  read: (fields, common, keep): Olmo2Spec => ({
    ...readDecoder(fields, common, keep, DEFAULTS).decoder,
    family: 'olmo2',
  }),
}
