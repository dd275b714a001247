import { z } from 'zod'
import { Bytes, Input, Tool } from './common.ts'
import { EstimateBody } from './estimate.ts'
import { Matrix } from './matrix.ts'
import { Executed } from './run.ts'

export const MethodResult = z.strictObject({
  method: z.string(),
  estimate: EstimateBody,
  executed: Executed.optional(),
})
export type MethodResult = z.infer<typeof MethodResult>

/** What one method saves against another, and because of which tensors. */
export const Saving = z.strictObject({
  of: z.string(),
  against: z.string(),
  saved_bytes: Bytes,
  peak_bytes: Bytes,
  /** peak of `against` divided by peak of `of` */
  ratio: z.number(),
  because: z.array(
    z.strictObject({
      scope: z.string(),
      monomial: z.string(),
      bytes: Bytes,
      count: z.number().int(),
      why: z.string(),
    }),
  ),
})
export type Saving = z.infer<typeof Saving>

/** What `tidemark compare --json` prints. */
export const CompareResult = z.strictObject({
  schema: z.literal('tidemark/compare@1'),
  tool: Tool,
  command: z.string(),
  input: Input,
  result: z.strictObject({ methods: z.array(MethodResult), savings: z.array(Saving), matrix: Matrix.optional() }),
  warnings: z.array(z.string()),
})
export type CompareResult = z.infer<typeof CompareResult>
