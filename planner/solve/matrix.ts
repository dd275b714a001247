import type { ModelSpec } from '../../models/spec.ts'
import { multiplies } from '../ops/flops.ts'
import { predict, type Stack, savingsOf, worstRank } from '../predict/index.ts'
import type { Matrix, MatrixCell, Recomputation } from '../result/matrix.ts'
import { Refusal } from '../trace/errors.ts'
import type { METHOD_NAMES, TrainingOptions } from '../training/options.ts'
import { resolveTraining, settingOf } from '../training/resolve.ts'
import type { TrainSpec } from '../training/spec.ts'

const METHODS: readonly (typeof METHOD_NAMES)[number][] = ['full', 'lora', 'lora-fa', 'qlora', 'qlora-fa', 'dora']

/** What the paper says that LoRA-FA combines with, one at a time, and what it is compared with. */
const WAYS: readonly { readonly name: string; readonly options: TrainingOptions }[] = [
  { name: 'plain', options: {} },
  { name: 'eager attention', options: { attention: 'eager' } },
  { name: 'FlashAttention', options: { attention: 'flash_attention_2' } },
  { name: 'checkpointing', options: { gradient_checkpointing: 'non-reentrant' } },
  { name: 'fused loss', options: { fused_loss: 'liger' } },
  { name: 'int8 base', options: { quantize: 'int8' } },
]

/** Nothing of how the setting itself goes over its devices. */
const COPIES: TrainingOptions = { fsdp: undefined, zero: undefined, tp: undefined, pp: undefined }

/** On several devices also with parameters in shards, and in whole copies. */
const SHARED: typeof WAYS = [
  { name: 'FSDP full_shard', options: { ...COPIES, fsdp: 'full_shard' } },
  { name: 'DDP', options: COPIES },
]

/** On one device also as a rank of eight would stand. */
const SHARDED: typeof WAYS = [{ name: 'FSDP over 8', options: { gpus: 8, fsdp: 'full_shard' } }]

/** Pairs that differ in nothing but A's training. */
const PAIRS = [
  ['lora', 'lora-fa'],
  ['qlora', 'qlora-fa'],
] as const

/**
 * Methods by what they are combined with: the paper's fourth question, simulated. What is refused in the one setting is a cell without bytes, with
 * the reason.
 */
export function matrixOf(model: ModelSpec, train: TrainSpec, stack: Stack): Matrix {
  // the method says how the base is quantized and whether directions and sizes are apart
  const { quantize: _, prepare_kbit: __, trl_casts: ___, use_dora: ____, ...shared } = settingOf(train)
  const ways = [...WAYS, ...(train.parallelism ? SHARED : SHARDED)]
  const cells = METHODS.flatMap((method) =>
    ways.map(({ name, options }) => cellOf(model, stack, name, { ...shared, ...options, method })),
  )
  const at = (method: string, way: string) => cells.find((c) => c.method === method && c.way === way)
  const gains = ways.flatMap(({ name }) =>
    PAIRS.flatMap(([of, by]) => {
      const [before, after] = [at(of, name), at(by, name)]
      if (before?.peak_bytes == null || after?.peak_bytes == null) return []
      return [{ way: name, of: by, against: of, bytes: before.peak_bytes - after.peak_bytes, from: before.peak_bytes }]
    }),
  )
  return {
    methods: [...METHODS],
    ways: ways.map((w) => w.name),
    cells,
    gains,
    recomputation: again(model, stack, shared),
  }
}

function cellOf(model: ModelSpec, stack: Stack, way: string, options: TrainingOptions): MatrixCell {
  const method = options.method ?? 'lora'
  try {
    const { train } = resolveTraining(model, options, { stack: stack.name })
    const body = predict(model, worstRank(model, train, stack).train, stack)
    return { method, way, peak_bytes: body.peak.bytes, saved_bytes: body.saved_bytes, refused: null }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { method, way, peak_bytes: null, saved_bytes: null, refused: `${error.where} ${error.message}` }
  }
}

/** What LoRA would have to make again in the backward to keep as little as LoRA-FA; null where one of them is refused. */
function again(model: ModelSpec, stack: Stack, shared: TrainingOptions): Recomputation | null {
  try {
    const trainOf = (method: 'lora' | 'lora-fa'): TrainSpec =>
      resolveTraining(model, { ...shared, method }, { stack: stack.name }).train
    // both as the rank that holds most under LoRA
    const { parallelism } = worstRank(model, trainOf('lora'), stack).train
    const [lora, loraFa] = (['lora', 'lora-fa'] as const).map((method) => {
      const train: TrainSpec = { ...trainOf(method), ...(parallelism ? { parallelism } : {}) }
      return { method, estimate: predict(model, train, stack) }
    })
    const [saving] = savingsOf([lora!, loraFa!])
    const madeBy = new Map(lora!.estimate.saved.map((s) => [`${s.scope} ${s.monomial}`, s.op]))
    const tensors = saving!.because.map(({ scope, monomial, bytes, count }) => {
      const op = madeBy.get(`${scope} ${monomial}`) ?? ''
      return { scope, monomial, bytes, count, op, product: multiplies(op) }
    })
    return { bytes: tensors.reduce((n, t) => n + t.bytes * t.count, 0), tensors }
  } catch (error) {
    if (error instanceof Refusal) return null
    throw error
  }
}
