import type { Adapter } from './adapter.ts'
import { checkParameters, DECODER_KEYS, type DecoderDefaults, readDecoder } from './decoder.ts'
import { ROUTED_KEYS, readRouted } from './experts.ts'
import type { Fields } from './fields.ts'
import { period } from './layer-kinds.ts'
import { LIMITS } from './limits.ts'
import type { MlpKind, Qwen3MoeSpec } from './spec.ts'

/** configuration_qwen3_moe.py of transformers 5.23. */
const DEFAULTS: DecoderDefaults = {
  kvHeads: 4,
  hiddenDivisible: false,
  intermediate: 6144,
  vocab: 151936,
  activationKey: 'hidden_act',
  activation: 'silu',
  tied: false,
  normEps: 1e-6,
  ropeTheta: 10_000,
  maxPositions: 32768,
}

/** Qwen3-MoE. */
export const qwen3MoeAdapter: Adapter = {
  classes: { qwen3_moe: { Qwen3MoeForCausalLM: { task: 'causal-lm' } } },
  keys: [
    ...DECODER_KEYS,
    ...ROUTED_KEYS,
    'hidden_act',
    'moe_intermediate_size',
    'norm_topk_prob',
    'decoder_sparse_step',
    'mlp_only_layers',
    'use_sliding_window',
    'sliding_window',
    // in the published config, read by other programs
    'max_window_layers',
  ],
  read: (fields, common, keep): Qwen3MoeSpec => {
    const { published, decoder } = readDecoder(fields, common, keep, DEFAULTS)
    const routed = readRouted(fields, { experts: 128, expertsPerToken: 8 })
    const expertWidth = fields.integer('expertWidth', 'moe_intermediate_size', LIMITS.intermediate, { value: 768 })
    const use = fields.boolean('slidingWindow', 'use_sliding_window', { value: false })
    checkParameters(fields, { ...decoder, intermediate: decoder.intermediate + routed.experts * expertWidth })
    return {
      ...decoder,
      family: 'qwen3_moe',
      ...routed,
      expertWidth,
      normalizesWeights: fields.boolean('normalizesWeights', 'norm_topk_prob', { value: false }),
      slidingWindow:
        use && fields.raw('sliding_window') !== null
          ? fields.integer('slidingWindow', 'sliding_window', LIMITS.positions, { value: 4096 })
          : null,
      kinds: readMlpKinds(fields, published),
    }
  },
}

/** Experts in every so many-th layer, but for those that `mlp_only_layers` names (modeling_qwen3_moe.py, Qwen3MoeDecoderLayer). */
function readMlpKinds(fields: Fields, published: number): readonly MlpKind[] {
  const every = fields.integer('kinds', 'decoder_sparse_step', LIMITS.layers, { value: 1 })
  const given = fields.raw('mlp_only_layers') ?? []
  if (!Array.isArray(given) || given.some((i) => !Number.isInteger(i))) {
    const next = 'Correct the list, or leave it out.'
    fields.fail('wrong-type', 'mlp_only_layers', 'is no list of numbers of layers', 'numbers from 0', next)
    return ['experts']
  }
  const plain = new Set<unknown>(given)
  const kindOf = (i: number): MlpKind => (!plain.has(i) && (i + 1) % every === 0 ? 'experts' : 'mlp')
  return period(
    Array.from({ length: published }, (_, i) => kindOf(i)),
    (a, b) => a === b,
  )
}
