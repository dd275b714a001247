import { type Adapter, keepLayers } from './adapter.ts'
import type { Fields } from './fields.ts'
import { LIMITS, MAX_PARAMETERS, tooManyParameters } from './limits.ts'
import { sharedHeadDim } from './partial-rope.ts'
import type { OptSpec } from './spec.ts'

/** OPT. Defaults: configuration_opt.py of transformers 5.23. */
export const optAdapter: Adapter = {
  classes: { opt: { OPTForCausalLM: { task: 'causal-lm' } } },
  keys: [
    'hidden_size',
    'word_embed_proj_dim',
    'ffn_dim',
    'num_hidden_layers',
    'num_attention_heads',
    'vocab_size',
    'max_position_embeddings',
    'activation_function',
    'tie_word_embeddings',
    'enable_bias',
    'do_layer_norm_before',
    'layer_norm_elementwise_affine',
    '_remove_final_layer_norm',
    'layerdrop',
    'dropout',
    'attention_dropout',
  ],
  read: (fields, common, keep): OptSpec => {
    refuseOtherPrograms(fields)
    const hidden = fields.integer('hidden', 'hidden_size', LIMITS.hidden)
    const heads = fields.integer('heads', 'num_attention_heads', LIMITS.heads)
    sharedHeadDim(fields, hidden, heads)
    const layers = fields.integer('layers', 'num_hidden_layers', LIMITS.layers)
    const positions = fields.integer('positions', 'max_position_embeddings', LIMITS.positions, { value: 2048 })
    fields.note('maxPositions', fields.has('max_position_embeddings') ? 'config' : 'default', 'max_position_embeddings')
    const spec: OptSpec = {
      ...common,
      family: 'opt',
      hidden,
      embedded: fields.integer('embedded', 'word_embed_proj_dim', LIMITS.hidden, {
        value: hidden,
        from: 'hidden_size',
      }),
      intermediate: fields.integer('intermediate', 'ffn_dim', LIMITS.intermediate, { value: 3072 }),
      layers: keepLayers(fields, 'layers', layers, keep),
      heads,
      vocab: fields.integer('vocab', 'vocab_size', LIMITS.vocab, { value: 50272 }),
      positions,
      activation: fields.activation('activation', 'activation_function', 'relu'),
      tied: fields.boolean('tied', 'tie_word_embeddings', { value: true }),
      bias: fields.boolean('bias', 'enable_bias', { value: true }),
      normBefore: fields.boolean('normBefore', 'do_layer_norm_before', { value: true }),
      dropout: fields.number('dropout', 'dropout', LIMITS.probability, { value: 0.1 }),
      attentionDropout: fields.number('attentionDropout', 'attention_dropout', LIMITS.probability, { value: 0 }),
      maxPositions: positions,
    }
    const parameters = spec.layers * hidden * (4 * hidden + 2 * spec.intermediate) + spec.vocab * spec.embedded
    if (parameters > MAX_PARAMETERS) fields.issues.push(tooManyParameters(spec.name, parameters))
    return spec
  },
}

/** Settings under which the same config class runs another program. */
function refuseOtherPrograms(fields: Fields): void {
  const next = 'This variant is not modelled.'
  if (fields.raw('_remove_final_layer_norm') === true)
    fields.fail('unsupported', '_remove_final_layer_norm', 'is true', 'false', next)
  if (fields.raw('layer_norm_elementwise_affine') === false)
    fields.fail('unsupported', 'layer_norm_elementwise_affine', 'is false', 'true', next)
  if (fields.has('layerdrop') && fields.raw('layerdrop') !== 0)
    fields.fail('unsupported', 'layerdrop', 'leaves out layers by chance', '0', next)
}
