import type { Adapter } from './adapter.ts'
import { DECODER_KEYS, type DecoderDefaults, readDecoder } from './decoder.ts'
import type { Fields } from './fields.ts'
import { readBases, readKinds } from './layer-kinds.ts'
import { LIMITS } from './limits.ts'
import type { Gemma2Spec } from './spec.ts'

/** What differs between the two. */
interface Variant extends DecoderDefaults {
  /** Caps when the keys are missing. */
  readonly scoreCap: number | null
  readonly logitCap: number | null
  /** Every so many layers one sees everything. */
  readonly every: number
}

/** configuration_gemma2.py and configuration_gemma3.py (Gemma3TextConfig) of transformers 5.23. */
const GEMMA_2: Variant = {
  kvHeads: 4,
  hiddenDivisible: true,
  headDim: 256,
  intermediate: 9216,
  vocab: 256000,
  activationKey: 'hidden_activation',
  activation: 'gelu_pytorch_tanh',
  tied: true,
  normEps: 1e-6,
  ropeTheta: 10_000,
  maxPositions: 8192,
  scoreCap: 50,
  logitCap: 30,
  every: 2,
}
const GEMMA_3 = {
  ...GEMMA_2,
  vocab: 262208,
  ropeTheta: 1_000_000,
  maxPositions: 131072,
  scoreCap: null,
  logitCap: null,
  every: 6,
  slidingTheta: 10_000,
} satisfies Variant & { slidingTheta: number }

/** Gemma 2, and the text model of Gemma 3. */
export const gemma2Adapter: Adapter = {
  classes: {
    gemma2: { Gemma2ForCausalLM: { task: 'causal-lm' } },
    gemma3_text: { Gemma3ForCausalLM: { task: 'causal-lm' } },
  },
  keys: [
    ...DECODER_KEYS,
    'hidden_activation',
    'query_pre_attn_scalar',
    'sliding_window',
    'sliding_window_pattern',
    // what the config class writes beside `layer_types`
    '_sliding_window_pattern',
    'layer_types',
    'final_logit_softcapping',
    'attn_logit_softcapping',
    'rope_local_base_freq',
    'use_bidirectional_attention',
  ],
  read: (fields, common, keep): Gemma2Spec => {
    const variant = common.modelType === 'gemma2' ? GEMMA_2 : GEMMA_3
    // its modeling file has head norms and two tables of angles, and passes no cap to its attention
    const third = variant === GEMMA_3
    if (fields.raw('use_bidirectional_attention') === true) {
      const next = 'Remove the key to model causal attention.'
      const message = 'tokens attend to later ones as well'
      fields.fail('unsupported', 'use_bidirectional_attention', message, 'causal attention', next)
    }
    const { ropeTheta, slidingTheta } = GEMMA_3
    const bases = third ? readBases(fields, ['rope_theta', ropeTheta], ['rope_local_base_freq', slidingTheta]) : null
    const { published, decoder } = readDecoder(fields, common, keep, variant)
    const every = fields.has('sliding_window_pattern')
      ? fields.integer('kinds', 'sliding_window_pattern', LIMITS.layers)
      : variant.every
    const scoreCap = readCap(fields, 'scoreCap', 'attn_logit_softcapping', variant.scoreCap)
    return {
      ...decoder,
      family: 'gemma2',
      slidingWindow: fields.integer('slidingWindow', 'sliding_window', LIMITS.positions, { value: 4096 }),
      kinds: readKinds(fields, published, (i) => (i + 1) % every !== 0),
      queryScale: fields.number('queryScale', 'query_pre_attn_scalar', { min: 1, max: 65_536 }, { value: 256 }),
      scoreCap: third ? null : scoreCap,
      logitCap: readCap(fields, 'logitCap', 'final_logit_softcapping', variant.logitCap),
      headNorms: third,
      slidingTheta: null,
      ...bases,
    }
  },
}

/** A number, or null for no cap; the config class has a default for a key that is missing. */
function readCap(fields: Fields, field: string, key: string, missing: number | null): number | null {
  if (fields.has(key)) return fields.number(field, key, { min: 1e-6, max: 1e6 }, { value: 30 })
  if (fields.raw(key) === null) fields.noteKey(field, key)
  else fields.note(field, 'default', key)
  return fields.raw(key) === null ? null : missing
}
