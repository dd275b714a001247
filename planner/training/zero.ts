import type { Zero, ZeroStage3 } from './parallelism.ts'

/** The keys of DeepSpeed's file that change what is allocated, as they stand there. */
export interface DeepSpeedFile {
  readonly bf16?: { readonly enabled?: boolean | 'auto' }
  readonly fp16?: { readonly enabled?: boolean | 'auto' }
  readonly optimizer?: object
  readonly gradient_clipping?: number | 'auto'
  readonly zero_optimization: { readonly stage: 1 | 2 | 3; readonly [key: string]: unknown }
}

/** What `auto` stands for: the Trainer's types, and the model's width (transformers/integrations/deepspeed.py). */
export interface AutoValues {
  readonly hidden: number
  readonly bf16: boolean
  readonly fp16: boolean
  /** `max_grad_norm` */
  readonly clipping: number
}

/**
 * A file's ZeRO with DeepSpeed's defaults (runtime/zero/config.py, 0.19.8) and the Trainer's values for `auto`: buckets of hidden², a
 * prefetch of 0.9 · hidden², parameters of 10 · hidden elements that persist. Sizes in elements.
 */
export function zeroOf(file: DeepSpeedFile, auto: AutoValues): Zero {
  const z = file.zero_optimization
  const { hidden } = auto
  const number = (key: string, byDefault: number, filled: number = byDefault): number => {
    const value = z[key]
    if (value === 'auto') return filled
    return typeof value === 'number' ? value : byDefault
  }
  const flag = (key: string, byDefault: boolean): boolean => (typeof z[key] === 'boolean' ? z[key] : byDefault)
  const place = (key: string): 'device' | 'host' => {
    const part = z[key]
    return typeof part === 'object' && part !== null && 'device' in part && part.device === 'cpu' ? 'host' : 'device'
  }
  const on = (value: boolean | 'auto' | undefined, filled: boolean): boolean =>
    value === 'auto' ? filled : value === true
  const clipping = file.gradient_clipping === 'auto' ? auto.clipping : (file.gradient_clipping ?? 1)
  const half = on(file.fp16?.enabled, auto.fp16) ? 'float16' : 'float32'
  const stage3: ZeroStage3 = {
    prefetchBucket: number('stage3_prefetch_bucket_size', 5e7, Math.trunc(0.9 * hidden * hidden)),
    persistence: number('stage3_param_persistence_threshold', 1e5, 10 * hidden),
    modelPersistence: number('stage3_model_persistence_threshold', Number.MAX_SAFE_INTEGER),
    maxLive: number('stage3_max_live_parameters', 1e9),
    maxReuse: number('stage3_max_reuse_distance', 1e9),
    subGroup: number('sub_group_size', 1e9),
    efficientLinear: flag('memory_efficient_linear', true),
  }
  return {
    kind: 'zero',
    stage: z.stage,
    hidden,
    dtype: on(file.bf16?.enabled, auto.bf16) ? 'bfloat16' : half,
    optimizer: file.optimizer ? 'deepspeed' : 'trainer',
    optimizerPlace: place('offload_optimizer'),
    parameterPlace: place('offload_param'),
    clips: clipping > 0,
    contiguousGradients: flag('contiguous_gradients', true),
    reduceScatter: flag('reduce_scatter', true),
    multiRankReduce: flag('use_multi_rank_bucket_allreduce', true),
    overlapComm: flag('overlap_comm', z.stage === 3),
    roundRobin: flag('round_robin_gradients', false),
    reduceBucket: number('reduce_bucket_size', 5e8, hidden * hidden),
    stage3,
  }
}
