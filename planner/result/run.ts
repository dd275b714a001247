import { z } from 'zod'
import { Bytes, Input, Tool, TrainingSetting } from './common.ts'
import { EstimateBody, TimelinePoint } from './estimate.ts'

/** One figure of a run beside its prediction. `saved` and `live` are tensors; `framework` is what the
 * framework's own allocator counts; `allocated` is the engine's heap. */
export const TierRow = z.strictObject({
  tier: z.enum(['saved', 'live', 'framework', 'allocated', 'reserved', 'process']),
  /** `forward end`, `forward peak`, `backward peak`, `optimizer peak`, `step end`. */
  phase: z.string(),
  /** Who counted, where a tier has several: `allocator statistics`, `allocation log`. */
  witness: z.string().optional(),
  predicted_bytes: Bytes.nullable(),
  measured_bytes: Bytes,
  ratio: z.number().nullable(),
  /** `equal` to the byte, `differs`, or `unattributed` where nothing is predicted. */
  verdict: z.enum(['equal', 'differs', 'unattributed']),
})
export type TierRow = z.infer<typeof TierRow>

/** What was proved of the step before its bytes counted. */
export const StepChecks = z.strictObject({
  losses: z.array(z.number()),
  loss_falls: z.boolean(),
  frozen_unchanged: z.boolean(),
  trainable_changed: z.boolean(),
  events_equal: z.boolean(),
  audit_clean: z.boolean(),
})
export type StepChecks = z.infer<typeof StepChecks>

/** A real step on an engine: its own setting and stack, its own prediction made before, and what was measured. */
export const Executed = z.strictObject({
  engine: z.string(),
  stack: z.string(),
  training: TrainingSetting,
  /** Hash of the prediction made before the step ran; the measured trace carries it. */
  predicted_hash: z.string(),
  predicted: EstimateBody,
  measured: z.strictObject({
    tiers: z.array(TierRow),
    timeline: z.array(TimelinePoint),
    seconds_per_step: z.array(z.number()),
  }),
  checks: StepChecks,
  /** What the real stack has and this run does not exercise. */
  not_exercised: z.array(z.string()),
  environment: z.record(z.string(), z.string()),
})
export type Executed = z.infer<typeof Executed>

/** What `tidemark run --json` prints. */
export const RunResult = z.strictObject({
  schema: z.literal('tidemark/run@1'),
  tool: Tool,
  command: z.string(),
  input: Input,
  result: z.strictObject({
    engine: z.string(),
    predicted_hash: z.string(),
    tiers: z.array(TierRow),
    executed: Executed,
  }),
  warnings: z.array(z.string()),
})
export type RunResult = z.infer<typeof RunResult>
