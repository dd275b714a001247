import type { Adapter } from './adapter.ts'
import { checkParameters, DECODER_KEYS, type DecoderDefaults, readDecoder } from './decoder.ts'
import { ROUTED_KEYS, readRouted } from './experts.ts'
import { LIMITS } from './limits.ts'
import type { MixtralSpec } from './spec.ts'

/** configuration_mixtral.py of transformers 5.23. */
const DEFAULTS: DecoderDefaults = {
  kvHeads: 8,
  hiddenDivisible: false,
  intermediate: 14336,
  vocab: 32000,
  activationKey: 'hidden_act',
  activation: 'silu',
  tied: false,
  normEps: 1e-5,
  ropeTheta: 1_000_000,
  maxPositions: 131_072,
}

/** Mixtral. */
export const mixtralAdapter: Adapter = {
  classes: { mixtral: { MixtralForCausalLM: { task: 'causal-lm' } } },
  keys: [...DECODER_KEYS, ...ROUTED_KEYS, 'hidden_act', 'sliding_window', 'router_jitter_noise'],
  read: (fields, common, keep): MixtralSpec => {
    const { decoder } = readDecoder(fields, common, keep, DEFAULTS)
    const routed = readRouted(fields, { experts: 8, expertsPerToken: 2 })
    const slidingWindow = fields.has('sliding_window')
      ? fields.integer('slidingWindow', 'sliding_window', LIMITS.positions)
      : null
    if (fields.number('jitter', 'router_jitter_noise', LIMITS.probability, { value: 0 }) > 0) {
      const message = 'multiplies hidden states by chance, which is not modelled'
      fields.fail(
        'unsupported',
        'router_jitter_noise',
        message,
        '0',
        'Leave it out, as the published configurations do.',
      )
    }
    delete fields.provenance.jitter
    fields.note('attentionBias', 'default', 'modeling file: bias=False')
    checkParameters(fields, { ...decoder, intermediate: routed.experts * decoder.intermediate })
    return { ...decoder, attentionBias: false, family: 'mixtral', ...routed, slidingWindow }
  },
}
