import { z } from 'zod'
import { PHASES } from '../trace/event.ts'
import { ByCategory, Bytes, CategoryName, Input, PhaseName, Tool } from './common.ts'

/** Why a storage is kept: the operation whose derivative needs it, and which derivative that is. */
export const Why = z.strictObject({ op: z.string(), gradient: z.string() })

/** One line of the table of saved tensors: like storages of all layers together (layer numbers as `*`). */
export const SavedTensor = z.strictObject({
  scope: z.string(),
  op: z.string(),
  /** Shape of the tensor that was saved. */
  shape: z.array(z.number().int()),
  /** Shape that the storage was allocated with. */
  storage_shape: z.array(z.number().int()),
  /** The storage's bytes as a formula: `2·b·t·h`. */
  monomial: z.string(),
  dtype: z.string(),
  /** Bytes of one storage. */
  bytes: Bytes,
  count: z.number().int(),
  why: z.array(Why),
})
export type SavedTensor = z.infer<typeof SavedTensor>

export const PhaseFigures = z.strictObject({
  /** Live bytes with the static part. */
  peak_bytes: Bytes,
  end_bytes: Bytes,
  peak_at: z.strictObject({ scope: z.string(), op: z.string() }),
})
export const StepFigures = z.strictObject({
  forward: PhaseFigures,
  backward: PhaseFigures,
  optimizer: PhaseFigures,
})
export type StepFigures = z.infer<typeof StepFigures>

export const Alive = z.strictObject({
  scope: z.string(),
  category: CategoryName,
  op: z.string(),
  monomial: z.string(),
  bytes: Bytes,
  count: z.number().int(),
  why: z.array(Why),
})
export type Alive = z.infer<typeof Alive>

export const Fit = z.strictObject({
  gpu: z.string(),
  capacity_bytes: Bytes,
  fits: z.boolean(),
  /** What is left of the capacity when what is needed is taken. */
  margin_bytes: Bytes,
  verdict: z.string(),
  /** The smallest memory with which every step succeeds on the simulated allocator, and the most that a context takes. */
  needs_bytes: Bytes.optional(),
  /** The request that could not be met; null where all could. */
  out_of_memory: z
    .strictObject({ phase: z.enum(['static', ...PHASES]), scope: z.string(), op: z.string(), bytes: Bytes })
    .nullable()
    .optional(),
})
export type Fit = z.infer<typeof Fit>

/** Whose figures they are, where several devices train together. */
export const Ranks = z.strictObject({
  gpus: z.number().int(),
  /** `ddp`, `full_shard`, `zero_2`, `tp_2`, `pp_4 (1f1b)`, … */
  strategy: z.string(),
  /** The rank that holds most: all figures beside these are its own. */
  worst: z.number().int(),
  /** The rank that holds least, and the peak of its live bytes. */
  least: z.strictObject({ rank: z.number().int(), peak_bytes: Bytes }),
  /** Stages of a pipeline as their ranks stand, each with the layers it has and the peak of its live bytes. */
  stages: z
    .array(
      z.strictObject({
        stage: z.number().int(),
        rank: z.number().int(),
        layers: z.number().int(),
        peak_bytes: Bytes,
      }),
    )
    .optional(),
  /** How many ranks were simulated, where not all. */
  looked_at: z.number().int().optional(),
  /** What takes memory of the device and is in no tier; published figures, null where none are known. */
  not_counted: z.array(
    z.strictObject({ what: z.string(), low_bytes: Bytes.nullable(), high_bytes: Bytes.nullable(), basis: z.string() }),
  ),
})
export type Ranks = z.infer<typeof Ranks>

/** `[seq, phase, bytes by category]`: thinned, every local maximum kept. */
export const TimelinePoint = z.tuple([z.number().int(), PhaseName, ByCategory])
export type TimelinePoint = z.infer<typeof TimelinePoint>

/** The peak as the largest of several polynomials in the dimensions, largest at this setting first. */
export const LawBranches = z.strictObject({
  /** Sizes by symbol. */
  dimensions: z.record(z.string(), z.number()),
  branches: z.array(
    z.strictObject({
      instant: z.strictObject({ phase: PhaseName, scope: z.string(), op: z.string() }),
      /** Bytes at this instant, as mathjs reads it. */
      expression: z.string(),
      /** Its value at this setting. */
      bytes: Bytes,
      per_token_bytes: z.number(),
      /** Where it is the peak as the length alone changes; null where it nowhere is. */
      domain: z.string().nullable(),
    }),
  ),
})
export type LawBranches = z.infer<typeof LawBranches>

export const EstimateBody = z.strictObject({
  parameters: z.strictObject({
    total: z.number().int(),
    trainable: z.number().int(),
    trainable_tensors: z.number().int(),
  }),
  static: z.strictObject({
    parameters_bytes: Bytes,
    quantization_bytes: Bytes,
    buffers_bytes: Bytes,
    inputs_bytes: Bytes,
  }),
  gradients_bytes: Bytes,
  optimizer_state_bytes: Bytes,
  /** What autograd keeps from forward to backward; parameters, buffers and inputs not counted; one count a storage. */
  saved_bytes: Bytes,
  saved: z.array(SavedTensor),
  first_step: StepFigures,
  step: StepFigures,
  peak: z.strictObject({
    bytes: Bytes,
    phase: PhaseName,
    scope: z.string(),
    op: z.string(),
    parts: ByCategory,
    alive: z.array(Alive),
  }),
  timeline: z.array(TimelinePoint),
  law: z.strictObject({
    expression: z.string(),
    per_token_bytes: z.number(),
    terms: z.array(z.strictObject({ symbol: z.string(), bytes: Bytes, category: CategoryName })),
    /** Where it was asked for: every branch of the maximum. */
    maximum: LawBranches.optional(),
  }),
  tiers: z.strictObject({
    live: Bytes,
    /** What the device's allocator has given out: blocks for live storages, and what libraries hold beside them. */
    allocated: z.strictObject({ bytes: Bytes, workspaces_bytes: Bytes, basis: z.string() }).nullable(),
    /** What the allocator keeps of the device while training goes on; null where no allocator was replayed. */
    reserved: Bytes.nullable(),
    /** What the driver shows for the process: reserved bytes, and a context's, whose ends are published figures. */
    process: z.strictObject({ bytes: Bytes, low: Bytes, high: Bytes, basis: z.string() }).nullable(),
    /** The replayed allocator's statistics over the whole run, by the names of `torch.cuda.memory_stats()`. */
    statistics: z.record(z.string(), z.number().int()).optional(),
  }),
  fit: Fit.nullable(),
  ranks: Ranks.optional(),
})
export type EstimateBody = z.infer<typeof EstimateBody>

/** What `tidemark estimate --json` prints. */
export const EstimateResult = z.strictObject({
  schema: z.literal('tidemark/estimate@1'),
  tool: Tool,
  command: z.string(),
  input: Input,
  result: EstimateBody,
  warnings: z.array(z.string()),
})
export type EstimateResult = z.infer<typeof EstimateResult>
