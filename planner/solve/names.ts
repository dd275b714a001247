/** Sizes that `plan` turns up. */
export const KNOBS = ['batch', 'length', 'rank'] as const
export type KnobName = (typeof KNOBS)[number]

/** What `plan` changes about a setting, in the order in which it tells of it. */
export const LEVERS = [
  'method',
  'quantize',
  'targets',
  'rank',
  'dtype',
  'attention',
  'checkpointing',
  'optimizer',
  'fused-loss',
  'micro-batch',
  'sharding',
] as const
export type LeverName = (typeof LEVERS)[number]
