import { z } from 'zod'
import { Bytes } from './common.ts'

export const MatrixCell = z.strictObject({
  method: z.string(),
  way: z.string(),
  /** Null where the setting is refused. */
  peak_bytes: Bytes.nullable(),
  saved_bytes: Bytes.nullable(),
  refused: z.string().nullable(),
})
export type MatrixCell = z.infer<typeof MatrixCell>

/** Tensors that LoRA would have to make again in its backward to keep as little as LoRA-FA. */
export const Recomputation = z.strictObject({
  bytes: Bytes,
  tensors: z.array(
    z.strictObject({
      scope: z.string(),
      monomial: z.string(),
      bytes: Bytes,
      count: z.number().int(),
      /** The operation that makes it. */
      op: z.string(),
      /** Whether that multiplies matrices; else it goes over its elements once. */
      product: z.boolean(),
    }),
  ),
})
export type Recomputation = z.infer<typeof Recomputation>

/** Methods by what they are combined with: peaks of live bytes, simulated. */
export const Matrix = z.strictObject({
  methods: z.array(z.string()),
  ways: z.array(z.string()),
  cells: z.array(MatrixCell),
  /** What freezing A alone saves of the peak `from`. */
  gains: z.array(z.strictObject({ way: z.string(), of: z.string(), against: z.string(), bytes: Bytes, from: Bytes })),
  recomputation: Recomputation.nullable(),
})
export type Matrix = z.infer<typeof Matrix>
