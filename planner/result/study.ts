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
  curve: z.array(z.strictObject({ step: z.number().int(), training_loss: z.number().nullable(), validation: Score })),
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

/** A method at one rank and learning rate over its seeds. Spread is the standard deviation; null of one seed. */
export const StudyRow = z.strictObject({
  method: z.string(),
  rank: z.number().int().nullable(),
  learning_rate: z.number(),
  seeds: z.number().int(),
  validation_loss: z.number(),
  validation_spread: z.number().nullable(),
  test_loss: z.number(),
  test_spread: z.number().nullable(),
  accuracy: z.number().nullable(),
  accuracy_spread: z.number().nullable(),
  peak_bytes: Bytes,
  seconds_per_step: z.number(),
  trainable: z.number().int(),
})
export type StudyRow = z.infer<typeof StudyRow>

/** What `tidemark study --json` prints. */
export const StudyResult = z.strictObject({
  schema: z.literal('tidemark/study@1'),
  tool: Tool,
  command: z.string(),
  input: Input,
  result: z.strictObject({
    engine: z.string(),
    stack: z.string(),
    task: z.string(),
    /** The corpus that was adapted to, and how it was cut. */
    data: z.strictObject({
      corpus: z.string(),
      documents: z.number().int(),
      tokenizer: z.string(),
      split: z.string(),
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
    /** The best learning rate of each method and rank, chosen by validation loss. */
    summary: z.array(StudyRow),
  }),
  warnings: z.array(z.string()),
})
export type StudyResult = z.infer<typeof StudyResult>
