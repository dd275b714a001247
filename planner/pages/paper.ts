import { specFromCatalog } from '../../models/index.ts'
import { DEFAULT_STACK, predict, resolveStack } from '../predict/index.ts'
import type { EstimateBody } from '../result/estimate.ts'
import type { TrainingOptions } from '../training/options.ts'
import { resolveTraining } from '../training/resolve.ts'
import { gigabytes, grouped, table, times } from './markdown.ts'

/** What the paper or its summary says, beside what is computed under a setting that is written out. */
interface Claim {
  readonly says: string
  readonly where: string
  /** The setting as flags, and what of it the paper leaves open. */
  readonly setting: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
  readonly verdict: string
}

const stack = resolveStack(DEFAULT_STACK)
const METHODS = ['full', 'lora', 'lora-fa'] as const

function bodyOf(name: string, options: TrainingOptions): EstimateBody {
  const model = specFromCatalog(name)
  return predict(model, resolveTraining(model, options, { stack: stack.name }).train, stack)
}

/** The options of an adapter belong to no full fine-tuning. */
function methodsOf(
  name: string,
  step: TrainingOptions,
  adapter: TrainingOptions,
): Record<(typeof METHODS)[number], EstimateBody> {
  return {
    full: bodyOf(name, { ...step, method: 'full' }),
    lora: bodyOf(name, { ...step, ...adapter, method: 'lora' }),
    'lora-fa': bodyOf(name, { ...step, ...adapter, method: 'lora-fa' }),
  }
}

const ENCODER = ['query', 'key', 'value', 'attention.output.dense', 'intermediate.dense', 'output.dense']
const ALL = ['all-linear']
const PEAKS = ['', 'full', 'LoRA', 'LoRA-FA', 'LoRA − LoRA-FA', 'LoRA ÷ LoRA-FA']

function peaks(label: string, name: string, step: TrainingOptions, adapter: TrainingOptions) {
  const m = methodsOf(name, step, adapter)
  const [full, lora, fa] = METHODS.map((k) => m[k].peak.bytes) as [number, number, number]
  return {
    ratio: lora / fa,
    saved: lora - fa,
    parameters: m.full.parameters.total,
    row: [label, gigabytes(full), gigabytes(lora), gigabytes(fa), gigabytes(lora - fa), times(lora / fa)],
  }
}

const roberta = (batch_size: number, more: TrainingOptions = {}): [TrainingOptions, TrainingOptions] => {
  const { adapter_dtype, ...step } = more
  return [
    { dtype: 'float32', attention: 'eager', seq_len: 128, batch_size, ...step },
    { rank: 8, target_modules: ENCODER, modules_to_save: ['classifier'], adapter_dtype: adapter_dtype ?? 'base' },
  ]
}

const llama = (batch_size: number, seq_len: number, more: TrainingOptions = {}): [TrainingOptions, TrainingOptions] => [
  { dtype: 'bfloat16', seq_len, batch_size, ...more },
  { rank: 64, target_modules: ALL, adapter_dtype: 'base' },
]

const range = (values: readonly number[], write: (n: number) => string): string =>
  `${write(Math.min(...values))} to ${write(Math.max(...values))}`

function lessThanLora(): Claim {
  const found = [
    peaks('RoBERTa-large, 32 × 128, float32', 'roberta-large', ...roberta(32)),
    peaks('RoBERTa-large, 80 × 128, float32', 'roberta-large', ...roberta(80)),
    peaks(
      "RoBERTa-large, 64 × 128, bfloat16, PEFT's float32 adapters",
      'roberta-large',
      ...roberta(64, { dtype: 'bfloat16', adapter_dtype: 'float32' }),
    ),
    peaks('T5-base, 64 × 256 → 128, float32', 't5-base', ...t5()),
    peaks('LLaMA-7B, 1 × 1024, bfloat16', 'llama-7b', ...llama(1, 1024)),
    peaks('LLaMA-7B, 4 × 2048, bfloat16', 'llama-7b', ...llama(4, 2048)),
    peaks(
      'LLaMA-7B, 4 × 2048, checkpointing',
      'llama-7b',
      ...llama(4, 2048, { gradient_checkpointing: 'non-reentrant' }),
    ),
  ]
  return {
    says: 'Up to 1.4× less memory than LoRA',
    where: 'abstract',
    setting: 'all linears adapted, no dropout before A; the peak of live tensors in the steady step',
    head: PEAKS,
    rows: found.map((f) => f.row),
    verdict: `Holds for encoders on large batches, where activations are most of the peak: ${range(
      found.map((f) => f.ratio),
      times,
    )} here. With PEFT's float32 adapters on a bfloat16 base it is more, since LoRA keeps a float32 copy of each input. It does not hold where weights or logits dominate (LLaMA-7B on few tokens) and vanishes with checkpointing.`,
  }
}

function t5(): [TrainingOptions, TrainingOptions] {
  return [
    { dtype: 'float32', attention: 'eager', batch_size: 64, seq_len: 256, target_seq_len: 128 },
    { rank: 8, target_modules: ALL, adapter_dtype: 'base' },
  ]
}

function trainableHalved(): Claim {
  const [d, layers, r] = [1024, 24, 8]
  const count = (method: 'lora' | 'lora-fa', name: string, targets: readonly string[]) =>
    bodyOf(name, { method, rank: r, target_modules: targets, seq_len: 16 }).parameters.trainable
  const [lora, fa] = (['lora', 'lora-fa'] as const).map((m) => count(m, 'roberta-large', ENCODER)) as [number, number]
  const [llamaLora, llamaFa] = (['lora', 'lora-fa'] as const).map((m) => count(m, 'llama-7b', ALL)) as [number, number]
  const exact = lora === 18 * d * r * layers && fa === 9 * d * r * layers
  return {
    says: '18drL trainable parameters become 9drL',
    where: 'method',
    setting: 'r = 8 on all six linears of a block: four d → d, d → 4d, 4d → d; the head apart',
    head: ['', 'LoRA', 'LoRA-FA', '18drL', '9drL'],
    rows: [
      [
        'RoBERTa-large (d 1024, L 24)',
        grouped(lora),
        grouped(fa),
        grouped(18 * d * r * layers),
        grouped(9 * d * r * layers),
      ],
      [
        'LLaMA-7B (d 4096, L 32)',
        grouped(llamaLora),
        grouped(llamaFa),
        grouped(18 * 4096 * r * 32),
        grouped(9 * 4096 * r * 32),
      ],
    ],
    verdict: `${exact ? 'Holds exactly' : 'Does not hold'} for a block of the GPT kind. A gated MLP has other widths: LLaMA-7B's share is ${((100 * llamaFa) / llamaLora).toFixed(1)} %, not half.`,
  }
}

function oneLinear(): Claim {
  const step: TrainingOptions = { dtype: 'bfloat16', batch_size: 4, seq_len: 2048 }
  const adapter: TrainingOptions = { rank: 4, target_modules: ALL, adapter_dtype: 'base' }
  const { lora, 'lora-fa': fa } = methodsOf('llama-65b', step, adapter)
  const x = lora.saved.find((s) => s.scope.endsWith('.q_proj.lora_A.default'))!
  const xa = fa.saved.find((s) => s.scope.endsWith('.q_proj.lora_B.default'))!
  const inputs = lora.saved.filter((s) => s.scope.includes('.lora_A.')).reduce((n, s) => n + s.bytes * s.count, 0)
  return {
    says: '2048× less activation in one LLaMA-65B linear at r = 4; more than 50 GB in all LoRA layers at 4 × 2048',
    where: 'method',
    setting: 'LLaMA-65B, bfloat16, 4 × 2048, r = 4 on all linears, adapters in bfloat16',
    head: ['', 'LoRA', 'LoRA-FA', 'ratio'],
    rows: [
      ["q_proj: the adapter's saved input", gigabytes(x.bytes), gigabytes(xa.bytes), times(x.bytes / xa.bytes)],
      ['inputs of all adapters', gigabytes(inputs), '0.00 GB', '—'],
      [
        'all that is saved',
        gigabytes(lora.saved_bytes),
        gigabytes(fa.saved_bytes),
        times(lora.saved_bytes / fa.saved_bytes),
      ],
      ['peak', gigabytes(lora.peak.bytes), gigabytes(fa.peak.bytes), times(lora.peak.bytes / fa.peak.bytes)],
    ],
    verdict: `The factor is d/r = 8192/4 and holds exactly for one linear's input against X·A. ${gigabytes(inputs)} are the inputs that LoRA alone keeps, each storage once: q, k and v share one, gate and up another, and o's is attention's own result, kept either way. A model saves less than a linear: attention, norms and activations keep their own tensors, so the peak falls by ${times(lora.peak.bytes / fa.peak.bytes)}.`,
  }
}

function trainableShare(): Claim {
  const share = (name: string, rank: number): number => {
    const body = bodyOf(name, {
      method: 'lora-fa',
      rank,
      target_modules: ENCODER,
      modules_to_save: ['classifier'],
      seq_len: 16,
    })
    // PEFT keeps the original head beside the copy that trains.
    return (100 * body.parameters.trainable) / body.parameters.total
  }
  const ranks = [4, 8, 12, 16, 20, 24]
  const within = (name: string, low: number, high: number): string => {
    const fitting = Array.from({ length: 32 }, (_, i) => i + 1).filter((r) => {
      const percent = share(name, r)
      return percent >= low && percent < high
    })
    return fitting.length === 1 ? `r = ${fitting[0]}` : `r = ${fitting[0]} to ${fitting.at(-1)}`
  }
  return {
    says: '1.5 % of the parameters train on RoBERTa-base, 1.0 to 1.6 % on RoBERTa-large',
    where: 'experiments',
    setting: 'LoRA-FA on all six linears, the classification head trained whole; the share of all parameters',
    head: ['', ...ranks.map((r) => `r = ${r}`)],
    rows: ['roberta-base', 'roberta-large'].map((name) => [
      name,
      ...ranks.map((r) => `${share(name, r).toFixed(2)} %`),
    ]),
    verdict: `The ranks are not stated. 1.5 % of RoBERTa-base is ${within('roberta-base', 1.45, 1.55)}; 1.0 to 1.6 % of RoBERTa-large is ${within('roberta-large', 0.95, 1.65)}. At small ranks most of it is the head.`,
  }
}

function robertaPeak(): Claim {
  const found = [64, 80, 96].map((b) => peaks(`${b} × 128`, 'roberta-large', ...roberta(b)))
  return {
    says: 'RoBERTa-large: 22.5 GB with LoRA, 15.7 GB with LoRA-FA (a ratio of 1.43, 6.8 GB apart)',
    where: 'experiments; batch and length are not stated',
    setting: 'float32, eager attention, r = 8 on all six linears, head trained',
    head: PEAKS,
    rows: found.map((f) => f.row),
    verdict: `The batch cannot be known. Ratio and difference are those of about 80 × 128 in float32 (${found[1]!.row[4]} apart, ${times(found[1]!.ratio)}); what the allocator and the driver add is in the paper's figures and not in these.`,
  }
}

function t5Peak(): Claim {
  const [step, adapter] = t5()
  const found = [
    peaks('64 × 256 → 128', 't5-base', step, adapter),
    peaks('32 × 512 → 128', 't5-base', { ...step, batch_size: 32, seq_len: 512 }, adapter),
    peaks('64 × 256 → 128, q and v only', 't5-base', step, { ...adapter, target_modules: ['q', 'v'] }),
  ]
  return {
    says: 'T5-base: 32.1 GB with LoRA, 25.3 GB with LoRA-FA',
    where: 'experiments; batch and lengths are not stated',
    setting: 'float32, eager attention, r = 8 on all linears',
    head: PEAKS,
    rows: found.map((f) => f.row),
    verdict: `The setting cannot be known; 64 × 256 → 128 in float32 gives ${found[0]!.row[2]} and ${found[0]!.row[3]}. Adapting q and v alone saves ${found[2]!.row[4]}: the claim needs all linears.`,
  }
}

function llamaPeak(): Claim {
  const settings = [
    [1, 512],
    [2, 1024],
    [1, 2048],
    [2, 2048],
  ] as const
  const found = settings.map(([b, s]) => peaks(`${b} × ${s}`, 'llama-7b', ...llama(b, s)))
  return {
    says: 'LLaMA-7B: 56 GB fall to 27.5 GB',
    where: 'summary; against full fine-tuning, setting not stated (its own experiments run out of 40 GB there)',
    setting: 'bfloat16 weights and optimizer states, sdpa, r = 64 on all linears, adapters in bfloat16',
    head: PEAKS,
    rows: found.map((f) => f.row),
    verdict: `56 GB is full fine-tuning's bill: 8 bytes for each of 7·10⁹ parameters, weights, gradients and two moments in bfloat16 (${gigabytes(8 * found[0]!.parameters)} for this model). 27.5 GB lies among LoRA-FA's peaks, and among LoRA's: most of that fall is LoRA's. Against LoRA, LoRA-FA saves ${range(
      found.map((f) => f.saved),
      gigabytes,
    )} here.`,
  }
}

function averageSaving(): Claim {
  const found = [
    peaks('RoBERTa-large, 64 × 128, float32', 'roberta-large', ...roberta(64)),
    peaks('T5-base, 64 × 256 → 128, float32', 't5-base', ...t5()),
    peaks('LLaMA-7B, 2 × 2048, bfloat16', 'llama-7b', ...llama(2, 2048)),
    peaks('LLaMA-7B, 1 × 512, bfloat16', 'llama-7b', ...llama(1, 512)),
  ]
  return {
    says: '3 to 7 GB saved on average, against LoRA',
    where: 'summary',
    setting: 'as above',
    head: PEAKS,
    rows: found.map((f) => f.row),
    verdict: `Of the order of what is computed (${range(
      found.map((f) => f.saved),
      gigabytes,
    )}); it grows with tokens and is no property of the model.`,
  }
}

function combinations(): Claim {
  const all = (more: TrainingOptions, label: string) => {
    const [step, adapter] = llama(4, 1024, {})
    const [lora, fa] = (['lora', 'lora-fa'] as const).map(
      (method) => bodyOf('llama-7b', { ...step, ...adapter, ...more, method }).peak.bytes,
    ) as [number, number]
    return [label, gigabytes(lora), gigabytes(fa), gigabytes(lora - fa), times(lora / fa)]
  }
  return {
    says: 'It combines with quantization, sharding, recomputation and FlashAttention',
    where: 'introduction',
    setting: 'LLaMA-7B, 4 × 1024, r = 64 on all linears',
    head: ['', 'LoRA', 'LoRA-FA', 'LoRA − LoRA-FA', 'LoRA ÷ LoRA-FA'],
    rows: [
      all({}, 'bfloat16, sdpa (a flash kernel)'),
      all({ attention: 'eager' }, 'eager attention'),
      all({ quantize: 'nf4-double' }, 'NF4 base, double quantization'),
      all({ dtype: 'float16', quantize: 'int8' }, 'LLM.int8() base, float16'),
      all({ gradient_checkpointing: 'non-reentrant' }, 'checkpointing'),
      all({ reference_model: true }, 'a pass of reference with the adapter disabled'),
    ],
    verdict:
      "With flash attention and 4 bits it adds up. LLM.int8() keeps each input itself, and with checkpointing a layer's inputs are dropped anyway: little is left to save. After PEFT's `disable_adapter()` A trains again and nothing is saved. Sharding is not modelled yet.",
  }
}

function quality(): string {
  return `## Quality close to LoRA and full fine-tuning, robust to rank and learning rate

_experiments_

No figure of memory: nothing here supports or contradicts it. It takes training runs; none is on this page.`
}

/** Each number of arXiv 2308.03303 and its summary beside what is computed: docs/paper.md. */
export function paperPage(): string {
  const claims = [
    lessThanLora(),
    trainableHalved(),
    oneLinear(),
    trainableShare(),
    robertaPeak(),
    t5Peak(),
    llamaPeak(),
    averageSaving(),
    combinations(),
  ]
  const written = claims.map(
    ({ says, where, setting, head, rows, verdict }) =>
      `## ${says}\n\n_${where}_\n\nSetting: ${setting}.\n\n${table(head, rows, head.map((_, i) => i).slice(1))}\n\n${verdict}`,
  )
  return `# The paper, claim by claim

LoRA-FA, arXiv 2308.03303. Each number of the paper and its summary, beside what tidemark computes for ${stack.name}: the peak of live tensors,
simulated, without what the allocator and the driver add. GB are 10⁹ bytes, as in the paper. \`npm run pages\` writes this page; a test holds it.

${[...written, quality()].join('\n\n')}
`
}
