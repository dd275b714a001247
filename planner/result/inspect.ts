import { z } from 'zod'
import { Bytes, CategoryName, Input, Tool } from './common.ts'

/** What was measured, and how much of it is known. */
export const MeasuredSource = z.strictObject({
  kind: z.enum(['torch-snapshot', 'tidemark-trace', 'trainer-metrics', 'nvidia-smi', 'figure']),
  path: z.string(),
  /** The stack or engine that a trace names. */
  runtime: z.string().nullable(),
  /** The device that was looked at, of those that have anything. */
  device: z.number().int().nullable(),
  devices: z.array(z.number().int()),
  /** Allocations and releases; 0 where only totals or the state at the end are known. */
  events: z.number().int(),
})
export type MeasuredSource = z.infer<typeof MeasuredSource>

/** One tier's peak, measured beside predicted. Tiers are never mixed: `live` is what tensors asked for, `allocated` the blocks they were given. */
export const InspectTier = z.strictObject({
  tier: z.enum(['live', 'allocated', 'reserved', 'process']),
  predicted_bytes: Bytes.nullable(),
  measured_bytes: Bytes,
  /** measured by predicted */
  ratio: z.number().nullable(),
  /** Measured bytes between these are as planned: the prediction's own range, or its tolerance. */
  low_bytes: Bytes.nullable(),
  high_bytes: Bytes.nullable(),
  verdict: z.enum(['within', 'outside', 'unattributed']),
  /** What the two figures are. */
  basis: z.string(),
})
export type InspectTier = z.infer<typeof InspectTier>

/** Equal storages that one side has and the other has not. */
export const InspectTerm = z.strictObject({
  scope: z.string(),
  op: z.string(),
  category: CategoryName,
  monomial: z.string(),
  /** Bytes of one. */
  bytes: Bytes,
  /** How many more the run has than the plan; negative where it has fewer. */
  count: z.number().int(),
  /** `X of q_proj` where it is the input of a linear kept for dW; else empty. */
  name: z.string(),
})
export type InspectTerm = z.infer<typeof InspectTerm>

/** The run is as this plan would be with other options. */
export const SettingFinding = z.strictObject({
  kind: z.literal('setting'),
  /** Which options, by their flags: `{method: "lora"}`. */
  changes: z.array(z.strictObject({ lever: z.string(), says: z.string() })),
  terms: z.array(InspectTerm),
  /** Bytes of storages that differ from the plan, and from the plan with these options. */
  difference_bytes: Bytes,
  left_bytes: Bytes,
})

/** Tensors that every step leaves behind. */
export const LeakFinding = z.strictObject({
  kind: z.literal('leak'),
  /** Bytes of one tensor. */
  bytes: Bytes,
  /** How many each step leaves. */
  each_step: z.number(),
  steps: z.number().int(),
  /** How many there are at the end. */
  count: z.number().int(),
  /** The module, where the run says it. */
  scope: z.string(),
  /** The line that asked for it. */
  at: z.string(),
  /** The stack, innermost first. */
  frames: z.array(z.string()),
})

/** Storages that no option of the plan accounts for. */
export const UnexplainedFinding = z.strictObject({
  kind: z.literal('unexplained'),
  bytes: Bytes,
  count: z.number().int(),
  /** Where the run asked for them, or where the plan has them. */
  at: z.array(z.string()),
})
export const InspectFinding = z.discriminatedUnion('kind', [SettingFinding, LeakFinding, UnexplainedFinding])
export type InspectFinding = z.infer<typeof InspectFinding>
export type SettingFinding = z.infer<typeof SettingFinding>
export type LeakFinding = z.infer<typeof LeakFinding>
export type UnexplainedFinding = z.infer<typeof UnexplainedFinding>

/** PyTorch's allocator, replayed on the requests that a snapshot recorded. */
export const InspectAllocator = z.strictObject({
  requests: z.number().int(),
  /** Requests that the replay gave another address than the device did. */
  elsewhere: z.number().int(),
  reserved_peak_bytes: Bytes,
  /** What the same requests would have reserved with other options of PYTORCH_CUDA_ALLOC_CONF, from an empty device. */
  under: z.array(z.strictObject({ alloc_conf: z.string(), reserved_peak_bytes: Bytes })),
})
export type InspectAllocator = z.infer<typeof InspectAllocator>

export const InspectBody = z.strictObject({
  source: MeasuredSource,
  within: z.boolean(),
  tiers: z.array(InspectTier),
  peak: z.strictObject({
    /** Null where only totals are known. */
    measured: z
      .strictObject({ bytes: Bytes, event: z.number().int(), phase: z.string(), scope: z.string(), at: z.string() })
      .nullable(),
    predicted: z.strictObject({ bytes: Bytes, phase: z.string(), scope: z.string(), op: z.string() }),
  }),
  /** Equal-sized storages alive at the two peaks, the largest difference first, then the largest. */
  blocks: z.array(
    z.strictObject({
      bytes: Bytes,
      measured: z.number().int(),
      predicted: z.number().int(),
      names: z.array(z.string()),
    }),
  ),
  /** What a library keeps beside all tensors, recognised by its size. */
  workspaces: z.array(z.strictObject({ name: z.string(), bytes: Bytes, count: z.number().int() })),
  findings: z.array(InspectFinding),
  /** Null where nothing but totals is known, or the recording cannot be replayed. */
  allocator: InspectAllocator.nullable(),
})
export type InspectBody = z.infer<typeof InspectBody>

/** What `tidemark inspect --json` prints. `input` is the plan's. */
export const InspectResult = z.strictObject({
  schema: z.literal('tidemark/inspect@1'),
  tool: Tool,
  command: z.string(),
  input: Input,
  result: InspectBody,
  warnings: z.array(z.string()),
})
export type InspectResult = z.infer<typeof InspectResult>
