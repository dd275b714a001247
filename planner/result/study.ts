import { z } from 'zod'
import { Bytes, Input, Tool } from './common.ts'

/** Loss in nats a token (a window for a classifier), and for a classifier the share told rightly. */
export const Score = z.strictObject({ loss: z.number(), accuracy: z.number().nullable() })
export type Score = z.infer<typeof Score>

/** One training: a line of the results file. Measured, but for the predicted peak. */
export const StudyRun = z.strictObject({
  /** Hash of all that the runs of a study share; a file holds runs of one study only. */
  study: z.string(),
  method: z.string(),
  optimizer: z.string(),
  /** Null for full fine-tuning. */
  rank: z.number().int().nullable(),
  alpha: z.number().nullable(),
  learning_rate: z.number(),
  seed: z.number().int(),
  parameters: z.strictObject({ total: z.number().int(), trainable: z.number().int() }),
  /** Validation at a step, and the mean training loss since the last one. */
  curve: z
    .array(z.strictObject({ step: z.number().int(), training_loss: z.number().nullable(), validation: Score }))
    .min(1),
  validation: Score,
  /** Looked at once, after the last step. */
  test: Score,
  /** Most live bytes of a training step on the engine. */
  peak_bytes: Bytes,
  /** The same, simulated before; null for a control that is not predicted. */
  predicted_peak_bytes: Bytes.nullable(),
  /** Median. */
  seconds_per_step: z.number(),
})
export type StudyRun = z.infer<typeof StudyRun>

/** A training that broke off since its loss was no number: a line of the results file too. */
export const Divergence = z.strictObject({
  study: z.string(),
  method: z.string(),
  rank: z.number().int().nullable(),
  learning_rate: z.number(),
  seed: z.number().int(),
  diverged_at: z.number().int(),
})
export type Divergence = z.infer<typeof Divergence>

/** A method at one rank and learning rate over its seeds. Spread is the standard deviation; null of one seed. */
export const StudyRow = z.strictObject({
  method: z.string(),
  rank: z.number().int().nullable(),
  learning_rate: z.number(),
  seeds: z.number().int(),
  validation_loss: z.number(),
  validation_spread: z.number().nullable(),
  /** Of a classifier; null for others. */
  validation_accuracy: z.number().nullable(),
  validation_accuracy_spread: z.number().nullable(),
  test_loss: z.number(),
  test_spread: z.number().nullable(),
  /** On the test part. */
  accuracy: z.number().nullable(),
  accuracy_spread: z.number().nullable(),
  peak_bytes: Bytes,
  seconds_per_step: z.number(),
  trainable: z.number().int(),
})
export type StudyRow = z.infer<typeof StudyRow>

/**
 * Whether LoRA-FA learns as LoRA does, by validation loss at one rank: `within` where the means are apart by no more than `spread`, the
 * sum of both standard deviations. Of one seed there is no spread, and the verdict is null.
 */
export const Verdict = z.strictObject({
  method: z.string(),
  against: z.literal('lora'),
  rank: z.number().int().nullable(),
  difference: z.number(),
  spread: z.number().nullable(),
  verdict: z.enum(['within', 'better', 'worse']).nullable(),
})
export type Verdict = z.infer<typeof Verdict>

/** What `tidemark study --json` prints. Without its runs it is the first line of a results file. */
export const StudyResult = z.strictObject({
  schema: z.literal('tidemark/study@1'),
  tool: Tool,
  command: z.string(),
  input: Input,
  result: z.strictObject({
    /** Hash of all that the runs share. */
    study: z.string(),
    engine: z.string(),
    stack: z.string(),
    task: z.string(),
    /** The corpus that was adapted to, and how it was cut. */
    data: z.strictObject({
      corpus: z.string(),
      documents: z.number().int(),
      tokenizer: z.string(),
      split: z.string(),
      /** Share of the commonest class among the windows looked at: what a classifier reaches that says it always; null for other tasks. */
      majority: z.strictObject({ validation: z.number(), test: z.number() }).nullable(),
    }),
    base: z.strictObject({
      /** `checkpoint FILE`, or what it was trained on here. */
      source: z.string(),
      /** Before any adaptation. */
      validation: Score,
      seconds: z.number(),
    }),
    steps: z.number().int(),
    runs: z.array(StudyRun),
    diverged: z.array(Divergence),
    /** Every method, rank and learning rate. */
    rows: z.array(StudyRow),
    /** The best learning rate of each method and rank, chosen by validation loss. */
    summary: z.array(StudyRow),
    verdicts: z.array(Verdict),
  }),
  warnings: z.array(z.string()),
})
export type StudyResult = z.infer<typeof StudyResult>
