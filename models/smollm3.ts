import type { Adapter } from './adapter.ts'
import { DECODER_KEYS, type DecoderDefaults, readDecoder } from './decoder.ts'
import type { Fields } from './fields.ts'
import { readKinds } from './layer-kinds.ts'
import { LIMITS } from './limits.ts'
import type { SmolLm3Spec } from './spec.ts'

/** configuration_smollm3.py of transformers 5.23. */
const DEFAULTS: DecoderDefaults = {
  kvHeads: 4,
  hiddenDivisible: false,
  intermediate: 11008,
  vocab: 128256,
  activationKey: 'hidden_act',
  activation: 'silu',
  tied: true,
  normEps: 1e-6,
  ropeTheta: 2_000_000,
  maxPositions: 32768,
}

/** SmolLM3. */
export const smolLm3Adapter: Adapter = {
  classes: { smollm3: { SmolLM3ForCausalLM: { task: 'causal-lm' } } },
  keys: [
    ...DECODER_KEYS,
    'hidden_act',
    'mlp_bias',
    'no_rope_layers',
    'no_rope_layer_interval',
    'use_sliding_window',
    'sliding_window',
    'layer_types',
    // in the published config, read by other programs
    'max_window_layers',
  ],
  read: (fields, common, keep): SmolLm3Spec => {
    const { published, decoder } = readDecoder(fields, common, keep, DEFAULTS)
    const use = fields.boolean('slidingWindow', 'use_sliding_window', { value: false })
    const window = fields.has('sliding_window')
      ? fields.integer('slidingWindow', 'sliding_window', LIMITS.positions)
      : null
    const turns = readTurns(fields, published)
    const kinds = readKinds(fields, published, (i) => use && window !== null && !turns(i), turns)
    if (kinds.some((kind) => kind.sliding) && window === null) {
      const next = 'Give sliding_window, or leave out layer_types.'
      fields.fail('conflict', 'layer_types', 'has layers that slide', 'a sliding_window', next)
    }
    const mlpBias = fields.boolean('mlpBias', 'mlp_bias', { value: false })
    return { ...decoder, family: 'smollm3', mlpBias, slidingWindow: window, kinds }
  },
}

/** Which layers turn queries and keys: a 1 each in `no_rope_layers`, else all but every so many-th. */
function readTurns(fields: Fields, published: number): (layer: number) => boolean {
  const given = fields.raw('no_rope_layers')
  if (!Array.isArray(given)) {
    const every = fields.integer('kinds', 'no_rope_layer_interval', LIMITS.layers, { value: 4 })
    return (i) => (i + 1) % every !== 0
  }
  if (given.length < published || given.some((x) => x !== 0 && x !== 1)) {
    const next = 'Correct the list, or leave it out.'
    fields.fail('conflict', 'no_rope_layers', 'does not fit the layers', `${published} of 0 or 1`, next)
  }
  return (i) => given[i] === 1
}
