import { TASKS } from '../models/spec.ts'
import { KNOBS, LEVERS } from '../planner/solve/names.ts'
import { ENGINE_NAMES } from '../planner/trace/engine-names.ts'
import {
  ADAPTER_DTYPES,
  ATTENTION_NAMES,
  AUTOCASTS,
  CHECKPOINT_KEEPINGS,
  CHECKPOINTINGS,
  FSDP_WRAPS,
  FUSED_KERNELS,
  FUSED_LOSSES,
  METHOD_NAMES,
  OPTIMIZER_IMPL_NAMES,
  OPTIMIZER_NAMES,
  QUANTIZATIONS,
  WEIGHT_DTYPES,
  ZERO_OFFLOADS,
} from '../planner/training/options.ts'
import { STUDY_METHODS } from '../planner/training/study-methods.ts'
import { boolean, choice, choices, integer, type Kind, list, number, numbers, text } from './settings/kinds.ts'
import { RANGES } from './settings/ranges.ts'

export type Group = 'Study' | 'Method' | 'Step' | 'Precision' | 'Model' | 'Hardware' | 'Search' | 'Execution' | 'Output'

/** One flag: what it takes, what it means, what holds without it. */
export interface Flag<T> extends Kind<T> {
  readonly group: Group
  readonly describe: string
  readonly alias?: string
  /** What help calls the value. */
  readonly placeholder?: string
  /** The default as help says it: mostly the stack's, which depends on the model. */
  readonly fallback?: string
  /** What it is called on the command line where that is not its key with dashes. */
  readonly spelled?: string
}

interface Words {
  readonly describe: string
  readonly alias?: string
  readonly placeholder?: string
  readonly fallback?: string
  readonly spelled?: string
}

const flag = <T>(group: Group, kind: Kind<T>, words: Words): Flag<T> => ({ ...kind, group, ...words })

/** What `--config` reads: tidemark's own files, and those of settings/formats. */
const CONFIG_FORMATS = [
  'tidemark',
  'peft',
  'axolotl',
  'torchtune',
  'llama-factory',
  'accelerate',
  'deepspeed',
  'trl',
  'transformers',
] as const

/** Tools of reports/launch. */
const EMITTED = [
  'accelerate',
  'deepspeed',
  'fsdp',
  'torchrun',
  'trl',
  'axolotl',
  'llama-factory',
  'torchtune',
  'peft',
] as const

/** Every flag by its name in files and JSON (`seq_len`); on the command line it is written with dashes (`--seq-len`). */
export const FLAGS = {
  method: flag('Method', choice(METHOD_NAMES), { describe: 'What trains', fallback: 'lora' }),
  methods: flag('Method', choices(METHOD_NAMES), {
    describe: 'Methods to compare',
    placeholder: 'a,b,c',
    fallback: 'full,lora,lora-fa',
  }),
  rank: flag('Method', integer(...RANGES.rank), { alias: 'r', describe: 'Rank of the adapters', fallback: '8' }),
  lora_alpha: flag('Method', number(0, 1e9), { describe: 'Scale of the adapters, over the rank', fallback: '8' }),
  lora_dropout: flag('Method', number(0, 1, true), { describe: 'Dropout before A', fallback: '0' }),
  target_modules: flag('Method', list(), {
    describe: 'Linears that get an adapter, or all-linear',
    placeholder: 'q_proj,v_proj',
    fallback: "PEFT's table",
  }),
  modules_to_save: flag('Method', list(), { describe: 'Modules trained as a whole', placeholder: 'a,b' }),
  adapter_dtype: flag('Method', choice(ADAPTER_DTYPES), { describe: 'Type of the adapters', fallback: 'float32' }),
  use_dora: flag('Method', boolean(), { describe: 'Weight-decomposed LoRA' }),
  use_rslora: flag('Method', boolean(), { describe: 'Scale by alpha / √rank' }),
  reference_model: flag('Method', boolean(), { describe: 'A frozen pass with the adapter disabled, as DPO does' }),
  dtype: flag('Precision', choice(WEIGHT_DTYPES), { describe: 'Type of the weights', fallback: "the config's" }),
  autocast: flag('Precision', choice(AUTOCASTS), { describe: 'Mixed precision', fallback: 'none' }),
  quantize: flag('Precision', choice(QUANTIZATIONS), { describe: 'Quantized base', fallback: 'none' }),
  prepare_kbit: flag('Precision', boolean(), { describe: 'prepare_model_for_kbit_training' }),
  trl_casts: flag('Precision', boolean(), { describe: "TRL's casts after it: embeddings and head in bfloat16" }),
  batch_size: flag('Step', integer(...RANGES.batch_size), { alias: 'b', describe: 'Sequences a batch', fallback: '1' }),
  seq_len: flag('Step', integer(...RANGES.seq_len), {
    alias: 's',
    describe: 'Tokens a sequence',
    fallback: "1024, or the model's limit",
  }),
  target_seq_len: flag('Step', integer(...RANGES.target_seq_len), {
    describe: 'Tokens of the decoder of an encoder-decoder',
    fallback: 'as --seq-len',
  }),
  padding: flag('Step', boolean(), { describe: 'A padded batch: an attention mask exists' }),
  packing: flag('Step', boolean(), { describe: 'Several sequences in one row' }),
  attention: flag('Step', choice(ATTENTION_NAMES), { describe: 'How attention is computed', fallback: 'sdpa' }),
  gradient_checkpointing: flag('Step', choice(CHECKPOINTINGS), {
    describe: 'Compute activations again in the backward',
    fallback: 'none',
  }),
  checkpoint_every: flag('Step', integer(1, 4096), {
    describe: 'Checkpoint one layer of so many',
    fallback: '1',
    placeholder: 'N',
  }),
  checkpoint_keep: flag('Step', choice(CHECKPOINT_KEEPINGS), {
    describe: 'Results that a checkpoint keeps all the same',
    fallback: 'none',
  }),
  gradient_accumulation: flag('Step', integer(1, 1_000_000), { describe: 'Micro-steps a step', fallback: '1' }),
  optimizer: flag('Step', choice(OPTIMIZER_NAMES), { describe: 'Optimizer', fallback: 'adamw' }),
  optimizer_impl: flag('Step', choice(OPTIMIZER_IMPL_NAMES), {
    describe: 'How the optimizer goes over the parameters',
    fallback: "the Trainer's",
  }),
  fused_loss: flag('Step', choice(FUSED_LOSSES), { describe: 'Fused linear and loss', fallback: 'none' }),
  fused_kernels: flag('Step', choice(FUSED_KERNELS), { describe: "fms-acceleration's kernels", fallback: 'none' }),
  task: flag('Model', choice(TASKS), { describe: 'Head and loss', fallback: "from the config's architectures" }),
  layers: flag('Model', integer(1, 4096), { describe: 'Keep only the first N layers', placeholder: 'N' }),
  stack: flag('Model', text('a stack, or an unambiguous part of its name'), {
    describe: 'Frameworks and versions the prediction is for',
    placeholder: 'NAME',
  }),
  gpu: flag('Hardware', text('a GPU by name, or a size with its unit'), {
    describe: 'What to fit into',
    placeholder: 'rtx4090|80GiB',
  }),
  alloc_conf: flag('Hardware', text('options as PYTORCH_CUDA_ALLOC_CONF has them'), {
    describe: "Options of PyTorch's allocator",
    placeholder: 'expandable_segments:True,…',
    fallback: "PyTorch's",
  }),
  budget: flag('Search', text('a size with its unit'), {
    describe: 'Use no more of the device than this; without --gpu, in place of one',
    placeholder: '20GiB',
  }),
  maximize: flag('Search', choice(KNOBS), {
    describe: 'Only the largest of this that fits',
    fallback: 'all, and levers',
  }),
  fix: flag('Search', choices(LEVERS), { describe: 'Levers that stay as they are', placeholder: 'method,rank' }),
  top: flag('Search', integer(1, 1000), { describe: 'Settings to show', fallback: '8' }),
  pick: flag('Search', integer(1, 1000), {
    describe: 'Which of the settings shown --emit starts',
    placeholder: 'N',
    fallback: '1: the fewest changes',
  }),
  gpus: flag('Hardware', integer(1, 65_536), {
    describe: 'Devices that train together; the figures are of the rank that holds most',
    placeholder: 'N',
    fallback: '1',
  }),
  zero: flag('Hardware', integer(0, 3), {
    describe: "DeepSpeed's ZeRO at this stage, with the Trainer's values for `auto`",
  }),
  zero_offload: flag('Hardware', choices(ZERO_OFFLOADS), {
    describe: 'What ZeRO keeps on the host',
    placeholder: 'optimizer,parameters',
    fallback: 'nothing',
  }),
  zero_options: flag('Hardware', list(), {
    describe: "Keys of DeepSpeed's file, where they are not `auto`",
    placeholder: 'reduce_bucket_size=5e8,…',
    fallback: "the Trainer's",
  }),
  fsdp: flag('Hardware', text('an FSDP strategy'), {
    describe:
      'Shard over the devices (FSDP 2): full_shard, shard_grad_op, hybrid_shard, hybrid_shard_zero2; with offload: to the host',
    placeholder: 'STRATEGY',
    fallback: 'a copy on each device (DDP)',
  }),
  fsdp_wrap: flag('Hardware', choice(FSDP_WRAPS), {
    describe: 'What is gathered by itself: each layer, or only embedding and head',
    fallback: 'layers',
  }),
  gpus_per_node: flag('Hardware', integer(1, 65_536), {
    describe: 'Devices that a hybrid shards over; nodes are copies of each other',
    placeholder: 'N',
    fallback: '8',
  }),
  ddp_bucket_views: flag('Hardware', boolean(), { describe: 'gradient_as_bucket_view of DDP' }),
  tp: flag('Hardware', integer(1, 65_536), {
    describe: "Devices that share every layer, by transformers' plan for the model (tensor parallelism)",
    placeholder: 'N',
    fallback: '1',
  }),
  pp: flag('Hardware', integer(1, 65_536), {
    describe:
      'Stages of a pipeline, a device each (1F1B); its micro-batches are --gradient-accumulation, N at the least',
    placeholder: 'N',
    fallback: '1',
  }),
  matrix: flag('Output', boolean(), {
    describe:
      'Also every method with attention kernels, checkpointing, a fused loss, quantized bases and FSDP, one at a time',
  }),
  run: flag('Execution', boolean(), { describe: 'Run real steps too, and put measured beside predicted' }),
  engine: flag('Execution', choice(['auto', ...ENGINE_NAMES] as const), {
    describe: 'What runs the step',
    fallback: 'auto: the fastest here that holds the step',
  }),
  steps: flag('Execution', integer(2, 10_000), { describe: 'Steps to run', fallback: '3' }),
  seed: flag('Execution', integer(0, 4_294_967_295), { describe: 'Seed of weights, batch and dropout', fallback: '0' }),
  cuda: flag('Execution', boolean(), { describe: 'TensorFlow with CUDA, for tfjs-node-gpu', spelled: 'gpu' }),
  trace: flag('Execution', text('a path'), { describe: 'Write the events as JSON Lines', placeholder: 'FILE' }),
  plan: flag('Execution', text('a model, or a result that estimate --json printed'), {
    describe: 'What the run should have been',
    placeholder: 'MODEL|estimate.json',
  }),
  study_methods: flag('Study', choices(STUDY_METHODS), {
    describe: 'What to train with',
    placeholder: 'a,b,c',
    fallback: 'full,lora,lora-fa,lora-fa-corrected',
    spelled: 'methods',
  }),
  ranks: flag('Study', numbers(1, 65_536, true), {
    describe: 'Ranks of the adapters',
    placeholder: '4,8',
    fallback: '8',
  }),
  learning_rates: flag('Study', numbers(1e-9, 10), {
    describe: 'Highest learning rates; of several the best by validation is reported',
    placeholder: '1e-3,1e-2',
    fallback: "each method's own",
  }),
  seeds: flag('Study', integer(1, 100), { describe: 'Trainings of each kind', placeholder: 'N', fallback: '3' }),
  study_steps: flag('Study', integer(1, 1_000_000), {
    describe: 'Steps of each training',
    placeholder: 'N',
    fallback: '200; of a classifier 400',
    spelled: 'steps',
  }),
  study_batch_size: flag('Study', integer(1, 65_536), {
    describe: 'Windows a step',
    placeholder: 'N',
    fallback: '8',
    spelled: 'batch-size',
    alias: 'b',
  }),
  study_seq_len: flag('Study', integer(4, 65_536), {
    describe: 'Tokens a window',
    placeholder: 'N',
    fallback: '64; of a classifier 128',
    spelled: 'seq-len',
    alias: 's',
  }),
  study_alpha: flag('Study', number(0, 1e9), {
    describe: 'Scale of the adapters, over the rank',
    placeholder: 'N',
    fallback: 'twice the rank',
    spelled: 'lora-alpha',
  }),
  study_targets: flag('Study', list(), {
    describe: 'Linears that get an adapter',
    placeholder: 'q_proj,v_proj',
    fallback: 'all-linear',
    spelled: 'target-modules',
  }),
  pretrain_steps: flag('Study', integer(0, 1_000_000), {
    describe: 'Steps that make the base model, where no checkpoint is there',
    placeholder: 'N',
    fallback: '800',
  }),
  text: flag('Study', text('a path'), {
    describe: 'Text to adapt to',
    placeholder: 'FILE',
    fallback: 'the State of the Union addresses',
  }),
  pretrain_text: flag('Study', text('a path'), {
    describe: 'Text to learn before',
    placeholder: 'FILE',
    fallback: 'Moby-Dick',
  }),
  tokenizer: flag('Study', text('bytes, byte-pairs, or a path'), {
    describe: 'How text is read: bytes, byte-pairs, or a tokenizer.json',
    placeholder: 'bytes|FILE',
    fallback: "the checkpoint's own, else bytes",
  }),
  results: flag('Study', text('a path'), {
    describe: 'JSON Lines, a run each; a study that was stopped goes on from them',
    placeholder: 'FILE',
  }),
  adapters: flag('Study', text('a folder'), {
    describe: "Where to write each trained adapter as PEFT's files",
    placeholder: 'FOLDER',
  }),
  explain: flag('Output', boolean(), { describe: 'List every term that is alive at the peak' }),
  law: flag('Output', boolean(), { describe: 'Write the peak as the largest of polynomials in the dimensions' }),
  format: flag('Output', choices(['html', 'svg', 'png', 'md', 'csv', 'chrome-trace', 'torch-snapshot'] as const), {
    describe: 'What to write',
    placeholder: 'html,svg,…',
    fallback: 'html',
  }),
  config: flag('Output', list(), {
    describe: 'Flags as YAML or JSON, or files of PEFT, TRL, Axolotl, LLaMA-Factory, torchtune, DeepSpeed, accelerate',
    placeholder: 'FILE,…',
  }),
  config_format: flag('Output', choice(CONFIG_FORMATS), {
    describe: 'Format of the files',
    fallback: 'recognised from their keys',
  }),
  config_skip: flag('Output', list(), {
    describe: 'Keys of the files to read as if they were not there',
    placeholder: 'a,b.c',
  }),
  emit: flag('Output', choice(EMITTED), {
    describe: 'Also write the files that start this setting',
    placeholder: 'TOOL',
  }),
  emit_to: flag('Output', text('a folder'), {
    describe: 'Where to write them',
    placeholder: 'FOLDER',
    fallback: 'launch-TOOL',
  }),
  check_format: flag('Output', choice(['text', 'github', 'junit'] as const), {
    describe: 'How --check tells its verdict',
    fallback: 'text',
  }),
  check: flag('Output', boolean(), { describe: 'Exit with 3 if it does not fit' }),
  report: flag('Output', text('a path'), { describe: 'Also write the HTML report', placeholder: 'FILE' }),
  output: flag('Output', text('a path'), {
    alias: 'o',
    describe: 'Write the result to a file, or to stdout',
    placeholder: 'FILE|-',
  }),
  json: flag('Output', boolean(), { describe: 'Print one JSON document' }),
  unit: flag('Output', choice(['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const), { describe: 'One unit for all bytes' }),
  quiet: flag('Output', boolean(), { alias: 'q', describe: 'No progress, assumptions or warnings' }),
  verbose: flag('Output', boolean(), { describe: 'Say more of what is done' }),
  no_color: flag('Output', boolean(), { describe: 'No colour' }),
  debug: flag('Output', boolean(), { describe: 'Stack traces with errors' }),
} as const satisfies Readonly<Record<string, Flag<unknown>>>

export type FlagKey = keyof typeof FLAGS
type ValueOf<F> = F extends Flag<infer T> ? T : never
/** Values that were given, checked. What was not given is not there. */
export type Values = { readonly [K in FlagKey]?: ValueOf<(typeof FLAGS)[K]> | undefined }

const keysOf = (...groups: readonly Group[]): FlagKey[] =>
  (Object.keys(FLAGS) as FlagKey[]).filter((key) => groups.includes(FLAGS[key].group))

/** What prints, for every command. */
export const OUTPUT_FLAGS: readonly FlagKey[] = ['json', 'output', 'quiet', 'verbose', 'no_color', 'debug']
/** A training setting without the choice of method. */
export const SETTING_FLAGS: readonly FlagKey[] = [
  ...keysOf('Method').filter((key) => key !== 'method' && key !== 'methods'),
  ...keysOf('Precision', 'Step', 'Model'),
  'config',
  'config_format',
  'config_skip',
]
/** How devices share a training: part of a setting, where the command predicts. */
export const PARALLEL_FLAGS: readonly FlagKey[] = [
  'gpus',
  'zero',
  'zero_offload',
  'zero_options',
  'fsdp',
  'fsdp_wrap',
  'gpus_per_node',
  'ddp_bucket_views',
  'tp',
  'pp',
]
export const HARDWARE_FLAGS: readonly FlagKey[] = [...keysOf('Hardware'), 'check']
export const RUN_FLAGS: readonly FlagKey[] = ['engine', 'steps', 'seed']

/** A flag of the table under its one interface, whatever it takes. */
export const flagFor = (key: FlagKey): Flag<unknown> => FLAGS[key]

/** `seq_len` → `seq-len` */
export const dashed = (key: string): string =>
  (key in FLAGS ? flagFor(key as FlagKey).spelled : undefined) ?? key.replaceAll('_', '-')
