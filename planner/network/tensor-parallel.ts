import type { ModelSpec } from '../../models/spec.ts'
import type { Shorthand, Tensor } from '../ops/ops.ts'
import { type Axis, axis } from '../trace/axes.ts'
import { Refusal } from '../trace/errors.ts'
import type { AdapterSpec, TrainSpec } from '../training/spec.ts'
import { isTarget } from './adapter.ts'
import type { Library } from './library.ts'

/** How ranks share a linear (transformers/distributed/tensor_parallel.py, ALL_PARALLEL_STYLES). */
export type Style = 'colwise' | 'rowwise' | 'colwise_gather_output' | 'rowwise_split_input'

/** Styles of a model's linears by the last name of their path; what is not named lies whole on every rank. */
export type Plan = Readonly<Record<string, Style>>

const LLAMA: Plan = {
  q_proj: 'colwise',
  k_proj: 'colwise',
  v_proj: 'colwise',
  o_proj: 'rowwise',
  gate_proj: 'colwise',
  up_proj: 'colwise',
  down_proj: 'rowwise',
  lm_head: 'colwise_gather_output',
}

/** Norms over all queries and keys want them whole. */
const OLMO2: Plan = {
  ...LLAMA,
  q_proj: 'colwise_gather_output',
  k_proj: 'colwise_gather_output',
  v_proj: 'colwise_gather_output',
  o_proj: 'rowwise_split_input',
}

/** Joint linears are cut apart when they are whole. */
const PHI3: Plan = {
  qkv_proj: 'colwise_gather_output',
  o_proj: 'rowwise_split_input',
  gate_up_proj: 'colwise_gather_output',
  down_proj: 'rowwise_split_input',
  lm_head: 'colwise_gather_output',
}

/**
 * `base_model_tp_plan` of each configuration file of transformers 5.23 that has been followed, and `_tp_plan` of its head's modeling file.
 * Embeddings are divided by their rows wherever there is a plan (distributed/mixin.py, init_parallel_plans).
 */
const PLANS: Readonly<Record<string, Plan>> = {
  llama: LLAMA,
  mistral: LLAMA,
  qwen2: LLAMA,
  qwen3: LLAMA,
  gemma: LLAMA,
  gemma2: LLAMA,
  gemma3_text: LLAMA,
  granite: LLAMA,
  smollm3: LLAMA,
  olmo2: OLMO2,
  phi3: PHI3,
}

/** The ranks' piece of an axis: `f/4`. */
export const pieceOf = (whole: Axis, ranks: number): Axis =>
  ranks === 1 ? whole : axis(`${whole.name}/${ranks}`, whole.size / ranks)

/** What a linear's weight `[out, in]` is divided by. */
export const isByColumns = (style: Style): boolean => style === 'colwise' || style === 'colwise_gather_output'

/** How many ranks share each layer. */
export const tensorRanks = (train: TrainSpec): number => train.parallelism?.tensor ?? 1

/** The model's plan; null where one rank has the whole layer. */
export const planOf = (model: ModelSpec, train: TrainSpec): Plan | null =>
  tensorRanks(train) > 1 ? (PLANS[model.modelType] ?? null) : null

/** A linear that ranks share; `whole` is its output. */
export interface Shared {
  readonly style: Style
  readonly ranks: number
  readonly whole: Axis
}

/** A linear's forward with what its style does before and after it: x whole or the rank's piece of its columns. */
export function acrossRanks<T extends Tensor>(o: Shorthand<T>, shared: Shared | undefined, x: T, run: (x: T) => T): T {
  switch (shared?.style) {
    case undefined:
      return run(x)
    case 'colwise':
      return run(o.run('copy_to_ranks', [x], {}))
    case 'colwise_gather_output':
      return o.run('all_gather', [run(o.run('copy_to_ranks', [x], {}))], { whole: shared!.whole })
    case 'rowwise':
      return o.run('all_reduce', [run(x)], {})
    case 'rowwise_split_input':
      return o.run('all_reduce', [run(o.run('own_piece', [x], { piece: pieceOf(x.axes.at(-1)!, shared!.ranks) }))], {})
  }
}

/** Throws `Refusal` for what a tensor-parallel step does not do, or has not been followed in. */
export function refuseTensorParallel(library: Library, model: ModelSpec, train: TrainSpec): void {
  const ranks = tensorRanks(train)
  if (ranks === 1) return
  const no = (code: string, message: string, next: string): void => {
    throw new Refusal(code, '--tp', message, next)
  }
  if (library.modelTypes !== null)
    no(
      'not-modelled',
      "follows transformers 5's plans on DTensor, which this stack does not have",
      'Choose another --stack.',
    )
  const plan = planOf(model, train)
  if (!plan || !('kvHeads' in model && 'vocab' in model))
    throw new Refusal('not-modelled', '--tp', `the plan of ${model.modelType} is not modelled`, 'Leave it out.')
  // whole heads only where a rank attends with its own
  const wide = plan.k_proj === 'colwise' ? 1 : model.headDim
  for (const [what, size] of [
    [wide === 1 ? 'heads' : 'columns of queries', wide * model.heads],
    [wide === 1 ? 'heads of keys and values' : 'columns of keys', wide * model.kvHeads],
    ['columns of the MLP', model.intermediate],
    ['rows of the vocabulary', model.vocab],
  ] as const)
    if (size % ranks !== 0)
      no('conflict', `${size} ${what} do not divide among ${ranks} ranks`, 'Say a number that divides them.')
  if (train.adapter) refuseAdapter(plan, train.adapter)
  if (train.reference)
    no('not-modelled', 'a pass of reference is not modelled over pieces', 'Leave one of the two out.')
  if (train.parallelism?.data.kind !== 'alone')
    no('not-modelled', 'copies or shards of pieces are not modelled', 'Leave one of the two out.')
  if (train.optimizer !== 'adamw' && train.optimizer !== 'sgd')
    no('not-modelled', `${train.optimizer} is not modelled over pieces of weights`, 'Say adamw or sgd.')
  if (train.autocast === 'float16')
    no('not-modelled', 'autocast to float16 is not modelled over pieces: its scaler was not recorded', 'Say bfloat16.')
  if (train.quantize) no('not-modelled', 'packed weights among ranks are not modelled', 'Leave out --quantize.')
  if (train.fusedLoss || train.fusedKernels)
    no('not-modelled', 'fused kernels over pieces of weights are not modelled', 'Leave them out.')
}

/**
 * PEFT 0.21.2 divides B as the linear is divided by columns. On one that is divided by rows its step fails, and on others nothing
 * sums what ranks have of an adapter's product (fixtures/pytorch-tp/proof.json).
 */
function refuseAdapter(plan: Plan, adapter: AdapterSpec): void {
  const targets = (style: Style): string[] =>
    Object.keys(plan).filter((name) => plan[name] === style && isTarget(name, lastNames(adapter), name === 'lm_head'))
  const leave = (names: readonly string[]): string =>
    `Take ${names.join(', ')} out of --target-modules, or leave out --tp.`
  const no = (message: string, next: string): never => {
    throw new Refusal('not-modelled', '--tp', message, next)
  }
  const rows = targets('rowwise')
  if (rows.length > 0)
    no(`PEFT 0.21.2 fails with adapters on linears that ranks divide by rows: ${rows.join(', ')}`, leave(rows))
  const others = [...targets('colwise_gather_output'), ...targets('rowwise_split_input')]
  if (others.length > 0)
    no(`nothing sums ranks' parts of adapters on ${others.join(', ')}, so that ranks train apart`, leave(others))
  if (adapter.dora) no('DoRA over pieces of weights is not modelled', 'Leave out --use-dora.')
  if (adapter.modulesToSave?.length)
    no('modules that train whole beside adapters are not modelled over pieces', 'Leave out --modules-to-save.')
}

const lastNames = ({ targets }: AdapterSpec): string[] => targets.map((t) => t.slice(t.lastIndexOf('.') + 1))
