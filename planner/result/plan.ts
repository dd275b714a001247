import { z } from 'zod'
import { Bytes, Input, PhaseName, Tool, TrainingSetting } from './common.ts'

/** What one lever does, where the ones before it are pulled. */
export const PlanStep = z.strictObject({
  lever: z.string(),
  from: z.string(),
  to: z.string(),
  /** Allocated bytes at the peak that it adds; negative where it saves. Simulated. */
  bytes: Bytes,
  /** Time after it by time before it. A formula: counted work at the device's peak rates. */
  time: z.number(),
})
export type PlanStep = z.infer<typeof PlanStep>

/** A setting with what it costs. */
export const PlanOption = z.strictObject({
  training: TrainingSetting,
  steps: z.array(PlanStep),
  peak: z.strictObject({ live_bytes: Bytes, phase: PhaseName, allocated_bytes: Bytes }),
  parameters: z.strictObject({ total: z.number().int(), trainable: z.number().int() }),
  /** Time by that of the setting that was asked for. A formula. */
  relative_time: z.number(),
  /** Every step succeeds on the simulated device. */
  fits: z.boolean(),
})
export type PlanOption = z.infer<typeof PlanOption>

export const PlanMaximum = z.strictObject({
  knob: z.enum(['batch', 'length', 'rank']),
  /** The largest value that fits; null where none does. */
  value: z.number().int().nullable(),
  limited_by: z.enum(['memory', 'model']),
  because: z.string(),
  tried: z.number().int(),
})
export type PlanMaximum = z.infer<typeof PlanMaximum>

export const PlanBody = z.strictObject({
  /** `room_bytes` are left for tensors if the context takes its most. */
  gpu: z.strictObject({ name: z.string(), capacity_bytes: Bytes, room_bytes: Bytes }),
  asked: PlanOption,
  maxima: z.array(PlanMaximum),
  /** Null where only a maximum was asked for. */
  search: z
    .strictObject({
      searched: z.number().int(),
      possible: z.number().int(),
      fixed: z.array(z.string()),
      time_basis: z.string(),
      /** No other one beats them in memory, time and trainable parameters; fewest changes first. */
      options: z.array(PlanOption),
    })
    .nullable(),
})
export type PlanBody = z.infer<typeof PlanBody>

/** What `tidemark plan --json` prints. */
export const PlanResult = z.strictObject({
  schema: z.literal('tidemark/plan@1'),
  tool: Tool,
  command: z.string(),
  input: Input,
  result: PlanBody,
  warnings: z.array(z.string()),
})
export type PlanResult = z.infer<typeof PlanResult>
