import type { Fields } from './fields.ts'
import { LIMITS } from './limits.ts'

/** Model types of transformers 5.23 whose layers route tokens to experts and whose files have not been followed. */
const EXPERTS: ReadonlySet<string> = new Set([
  'qwen2_moe',
  'olmoe',
  'granitemoe',
  'phimoe',
  'gpt_oss',
  'deepseek_v2',
  'deepseek_v3',
])

/** Refuses another mixture of experts by its name; true where it is one. */
export function refuseExperts(fields: Fields): boolean {
  const type = fields.raw('model_type')
  if (typeof type !== 'string' || !EXPERTS.has(type)) return false
  const message = `"${type}" routes its tokens to experts in a way of its own, which is not modelled`
  fields.fail('unsupported', 'model_type', message, 'mixtral or qwen3_moe, or a model without experts', NEXT)
  return true
}

const NEXT = 'An architecture without experts can be described: see docs/descriptions.md.'

/** Keys that `readRouted` looks at. */
export const ROUTED_KEYS: readonly string[] = [
  'num_experts',
  'num_local_experts',
  'num_experts_per_tok',
  'output_router_logits',
  'router_aux_loss_coef',
  'experts_implementation',
]

/**
 * How many experts a layer has and a token goes to. Refused are the router's own loss, and experts one after the other: under
 * `grouped_mm`, the default, no shape depends on the routing (integrations/moe.py, grouped_mm_experts_forward).
 */
export function readRouted(
  fields: Fields,
  defaults: { readonly experts: number; readonly expertsPerToken: number },
): { readonly experts: number; readonly expertsPerToken: number } {
  const key = fields.first('num_local_experts', 'num_experts')
  const experts = fields.integer('experts', key, LIMITS.experts, { value: defaults.experts })
  const expertsPerToken = fields.integer('expertsPerToken', 'num_experts_per_tok', LIMITS.experts, {
    value: defaults.expertsPerToken,
  })
  if (fields.valid('experts', 'expertsPerToken') && expertsPerToken > experts) {
    const message = `is ${expertsPerToken}, of ${experts} experts`
    fields.fail('conflict', 'num_experts_per_tok', message, 'no more than there are experts', 'Correct one of the two.')
  }
  if (fields.boolean('routerLoss', 'output_router_logits', { value: false })) {
    const message = "adds the router's own loss over every layer's logits, which is not modelled"
    const next = 'Set it to false, as the published configurations have it.'
    fields.fail('unsupported', 'output_router_logits', message, 'false', next)
  }
  delete fields.provenance.routerLoss
  const how = fields.raw('experts_implementation')
  if (how !== undefined && how !== null && how !== 'grouped_mm') {
    const message = `is ${JSON.stringify(how)}: run one after the other, experts take what the batch's routing makes of them`
    const next = 'Leave it out: grouped_mm is the default, whose shapes do not depend on the routing.'
    fields.fail('unsupported', 'experts_implementation', message, 'grouped_mm', next)
  }
  return { experts, expertsPerToken }
}
