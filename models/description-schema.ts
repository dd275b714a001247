import { z } from 'zod'
import type { Size } from './dimensions.ts'
import type { Activation, WeightDType } from './spec.ts'

/** The value of `schema` in a description: a new number when the format changes incompatibly. */
export const DESCRIPTION_FORMAT = 'tidemark/model@1'

const ACTIVATIONS = [
  'silu',
  'relu',
  'gelu',
  'gelu_new',
  'gelu_pytorch_tanh',
  'quick_gelu',
] as const satisfies Activation[]
const DTYPES = ['float32', 'bfloat16', 'float16'] as const satisfies WeightDType[]

const size: z.ZodType<Size> = z
  .union([z.number(), z.string()], { error: 'a number, or an expression in quotes' })
  .meta({ description: 'A number, or an expression over the named dimensions: "round(8/3 * h, 256)".' })
const name = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, { error: 'a name of letters, digits and _' })
  .meta({ description: 'The name in scopes and adapter targets; by default the kind, numbered if it comes again.' })
const flag = z.boolean()

const embedding = z
  .strictObject({ block: z.literal('embedding'), name: name.optional(), vocab: size, width: size })
  .meta({ description: 'Token ids to vectors. The first block; its width is the width of everything that follows.' })
const positions = z
  .strictObject({ block: z.literal('positions'), name: name.optional(), positions: size, width: size.optional() })
  .meta({ description: 'Learned absolute positions, added to the stream.' })
const norm = z
  .strictObject({
    block: z.literal('norm'),
    name: name.optional(),
    kind: z.enum(['layer', 'rms']),
    width: size.optional(),
    eps: size.optional(),
  })
  .meta({ description: 'LayerNorm (weight and bias, eps 1e-5) or RMSNorm (weight, eps 1e-6).' })
const dropout = z
  .strictObject({ block: z.literal('dropout'), name: name.optional(), p: size })
  .meta({ description: 'Dropout with probability p.' })
const attention = z
  .strictObject({
    block: z.literal('attention'),
    name: name.optional(),
    width: size.optional(),
    heads: size,
    kv_heads: size.optional(),
    head_dim: size.optional(),
    bias: flag.optional(),
    causal: flag.optional(),
    rotary: flag.optional(),
  })
  .meta({
    description: 'Self-attention. Defaults: kv_heads = heads, head_dim = width / heads, no bias, causal, not rotary.',
  })
const mlp = z
  .strictObject({
    block: z.literal('mlp'),
    name: name.optional(),
    width: size.optional(),
    inner: size,
    activation: z.enum(ACTIVATIONS).optional(),
    gated: flag.optional(),
    bias: flag.optional(),
  })
  .meta({ description: 'Feed-forward. Gated: down(act(gate(x)) · up(x)), silu; else down(act(up(x))), gelu. No bias.' })
const head = z
  .strictObject({
    block: z.literal('head'),
    name: name.optional(),
    vocab: size.optional(),
    width: size.optional(),
    tied: flag.optional(),
  })
  .meta({
    description: 'Vectors to logits; the last block. tied (default false): it shares the weight of the embedding.',
  })

// the types of these two are written out: they contain one another
type Residual = { block: 'residual'; name?: string | undefined; of: DescribedBlock[] }
type Repeat = { block: 'repeat'; name?: string | undefined; times: Size; of: DescribedBlock[] }

const residual = z
  .strictObject({
    block: z.literal('residual'),
    name: name.optional(),
    get of(): z.ZodType<DescribedBlock[]> {
      return z.array(block).min(1)
    },
  })
  .meta({ description: 'Adds what goes in to what comes out of the blocks inside.' })
const repeat = z
  .strictObject({
    block: z.literal('repeat'),
    name: name.optional(),
    times: size,
    get of(): z.ZodType<DescribedBlock[]> {
      return z.array(block).min(1)
    },
  })
  .meta({ description: 'The blocks inside, so many times, each time with weights of their own.' })

/** A block as a person writes it, sizes not yet worked out. */
export type DescribedBlock =
  | z.infer<typeof embedding>
  | z.infer<typeof positions>
  | z.infer<typeof norm>
  | z.infer<typeof dropout>
  | z.infer<typeof attention>
  | z.infer<typeof mlp>
  | z.infer<typeof head>
  | Residual
  | Repeat

const BLOCKS = [embedding, positions, norm, dropout, attention, mlp, residual, repeat, head] as const
const block: z.ZodType<DescribedBlock> = z.discriminatedUnion('block', BLOCKS)

/** Kinds of blocks. */
export const BLOCK_NAMES: readonly string[] = BLOCKS.map((kind) => kind.shape.block.value)

/** An architecture in YAML or JSON, before its expressions are worked out. See docs/descriptions.md. */
export const description = z
  .strictObject({
    schema: z.literal(DESCRIPTION_FORMAT),
    name: z.string().min(1).max(100).optional(),
    task: z.literal('causal-lm').optional(),
    dtype: z.enum(DTYPES).optional().meta({ description: 'Type of the weights; float32 if left out.' }),
    max_positions: size.optional().meta({ description: 'Longest sequence; by default what the positions allow.' }),
    dimensions: z.record(z.string(), size).optional(),
    blocks: z.array(block).min(1),
  })
  .meta({ title: 'tidemark model description' })

export type Description = z.infer<typeof description>

/** Keys that may stand in a block of this kind, or in the description itself for `undefined`. */
export function keysOf(kind: string | undefined): readonly string[] {
  if (kind === undefined) return Object.keys(description.shape)
  return Object.keys(BLOCKS.find((candidate) => candidate.shape.block.value === kind)?.shape ?? {})
}

/** The JSON Schema (draft 2020-12) of a description, for editors. */
export function toJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(description, { io: 'input', reused: 'ref' }) }
}
