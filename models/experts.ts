import type { Fields } from './fields.ts'

/** Model types of transformers 5.23 whose layers route tokens to experts. */
const EXPERTS: ReadonlySet<string> = new Set([
  'mixtral',
  'qwen2_moe',
  'qwen3_moe',
  'olmoe',
  'granitemoe',
  'phimoe',
  'gpt_oss',
  'deepseek_v2',
  'deepseek_v3',
])

/**
 * Refuses a mixture of experts with the reason. Under `grouped_mm`, the default, no shape depends on the routing
 * (integrations/moe.py, grouped_mm_experts_forward). But while a dispatch mode watches, as the recorder's does, a gather's and a top-k's
 * backward make a second tensor of zeros that they write in place otherwise (FunctionsManual.cpp, index_backward and
 * value_selecting_reduction_backward, by areAnyTensorSubclassLike): its rows would not be what a GPU allocates.
 */
export function refuseExperts(fields: Fields): boolean {
  const type = fields.raw('model_type')
  if (typeof type !== 'string' || !EXPERTS.has(type)) return false
  const message = `"${type}" has layers of experts, whose backward no recording holds: watched, PyTorch makes tensors that it does not make otherwise`
  const next =
    'Mixtures of experts are not modelled. An architecture without them can be described: see docs/descriptions.md.'
  fields.fail('unsupported', 'model_type', message, 'a model without experts', next)
  return true
}
