import { differences, hostScalars, predictedFor } from './difference.ts'
import { grouped, table } from './markdown.ts'
import { hasStockKernels, type Published, predictedForPublished, replayedForPublished } from './published.ts'
import type { Recorded } from './recorded.ts'

/** A recorded step with its prediction; bytes of the steady peak, without the counters on the host. */
interface Compared {
  readonly row: Recorded
  readonly predicted: number
  readonly recorded: number
  readonly exact: boolean
}

function compare(row: Recorded): Compared | null {
  const body = predictedFor(row)
  if (!body) return null
  const recorded = row.peak - hostScalars(row, body)
  return { row, predicted: body.peak.bytes, recorded, exact: differences(row, body).length === 0 }
}

const ratioOf = (c: Compared): number => c.predicted / c.recorded
const six = (n: number): string => n.toFixed(6)

function spread(ratios: readonly number[]): [min: string, median: string, max: string] {
  const sorted = [...ratios].sort((a, b) => a - b)
  return [six(sorted[0]!), six(sorted[sorted.length >> 1]!), six(sorted.at(-1)!)]
}

/** By stack and model type: how many rows, how many equal in every figure, the ratio of the peaks. */
function byFamily(rows: readonly (readonly [Recorded, Compared | null])[]): string {
  const groups = new Map<string, { rows: number; compared: Compared[] }>()
  for (const [row, compared] of rows) {
    const key = `transformers ${row.stack.transformers.split('.').slice(0, 2).join('.')}|${row.case.model.model_type}`
    const group = groups.get(key) ?? { rows: 0, compared: [] }
    groups.set(key, { rows: group.rows + 1, compared: compared ? [...group.compared, compared] : group.compared })
  }
  const lines = [...groups]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([key, { rows: n, compared }]) => {
      const [stack, family] = key.split('|') as [string, string]
      if (compared.length === 0) return [stack, family, `${n}`, 'refused', '', '', '', '']
      const exact = compared.filter((c) => c.exact).length
      const under = compared.filter((c) => c.predicted < c.recorded).length
      return [stack, family, `${n}`, `${exact}`, ...spread(compared.map(ratioOf)), `${under}`]
    })
  const head = ['stack', 'model type', 'rows', 'exact', 'min', 'median', 'max', 'under']
  return table(head, lines, [2, 3, 4, 5, 6, 7])
}

/** The steps of whole, named models, a line each. */
function byModel(compared: readonly Compared[]): string {
  const lines = compared.flatMap((c) => {
    const { case: setting } = c.row
    const { model_name: name } = setting
    return name === undefined
      ? []
      : [[name, settingWords(setting), grouped(c.predicted), grouped(c.recorded), six(ratioOf(c))]]
  })
  return table(['model', 'setting', 'predicted', 'recorded', 'ratio'], lines, [2, 3, 4])
}

function settingWords(c: Recorded['case']): string {
  const length = c.target_seq === undefined ? `${c.seq}` : `${c.seq} → ${c.target_seq}`
  const parts = [c.method, c.dtype, c.attention, `${c.batch} × ${length}`]
  if (c.adapter) parts.push(`r ${c.adapter.r}${c.adapter.upcast === false ? ', adapters in the base type' : ''}`)
  if (c.adapter?.dropout) parts.push(`dropout ${c.adapter.dropout}`)
  if (c.adapter?.dora) parts.push('DoRA')
  if (c.autocast) parts.push('autocast')
  if (c.mask) parts.push('padded')
  if (c.checkpointing && c.checkpointing !== 'none') parts.push(`${c.checkpointing} checkpointing`)
  if (c.checkpoint_every) parts.push(`of one layer in ${c.checkpoint_every}`)
  if (c.checkpoint_keep) parts.push(`that keeps ${c.checkpoint_keep}`)
  if (c.quantize) parts.push(c.quantize.bits === 8 ? 'int8' : c.quantize.double ? 'nf4-double' : 'nf4')
  if (c.optimizer) parts.push(c.optimizer)
  if (c.optimizer_impl) parts.push(c.optimizer_impl)
  return parts.join(' · ')
}

/** What was measured on a GPU and published, beside the tier of allocated bytes. */
function byMeasurement(rows: readonly Published[]): string {
  const lines = rows.map((row) => {
    const predicted = predictedForPublished(row).tiers.allocated!.bytes
    const ratio = predicted / row.measured_bytes
    const kernels = hasStockKernels(row) ? 'stock' : 'foak'
    return [
      row.framework_config,
      `${row.method} · ${row.batch} × ${row.seq}${row.autocast === 'none' ? '' : ' · autocast'}`,
      kernels,
      row.stack.transformers,
      grouped(predicted),
      grouped(row.measured_bytes),
      ratio.toFixed(5),
    ]
  })
  return table(
    ['configuration', 'setting', 'its kernels', 'transformers', 'predicted', 'measured', 'ratio'],
    lines,
    [4, 5, 6],
  )
}

/** The tiers beyond tensors: what torch had allocated by the replayed allocator, and the device's figure. */
function byDevice(rows: readonly Published[]): string {
  const lines = rows.map((row) => {
    const { tiers } = replayedForPublished(row)
    const process = tiers.process!
    const shown = row.nvidia_smi_peak_mib * MIB
    return [
      row.framework_config,
      `${row.method} · ${row.batch} × ${row.seq}${row.autocast === 'none' ? '' : ' · autocast'}`,
      ratio(tiers.allocated!.bytes, row.measured_bytes, 5),
      mebibytes(tiers.reserved!),
      `${mebibytes(process.low)} to ${mebibytes(process.high)}`,
      grouped(row.nvidia_smi_peak_mib),
      ratio(process.bytes, shown, 3),
      ratio(process.high, shown, 3),
    ]
  })
  const head = ['configuration', 'setting', 'allocated', 'reserved', 'process', 'measured', 'middle', 'high']
  return table(head, lines, [2, 3, 4, 5, 6, 7])
}

const MIB = 2 ** 20
const mebibytes = (bytes: number): string => grouped(Math.round(bytes / MIB))
const ratio = (predicted: number, measured: number, digits: number): string => (predicted / measured).toFixed(digits)

/** What others say of themselves, each on rows of its own choice: not measured here. */
const RIVALS: readonly (readonly string[])[] = [
  ['fitcheck (github.com/Anassbzdd/fitcheck)', 'mean 2.2 %, at most 17.4 %', 'its own rows'],
  ['torch-preflight', '3.7 %', 'its own rows'],
  ['LLMem (arXiv 2404.10933)', '0.4 to 1.6 %', "its paper's models"],
  ['xMem (arXiv 2510.21048)', 'about 4 %, median', "its paper's models"],
]

/** docs/accuracy.md: what is predicted beside what was recorded. */
export function accuracyPage(rows: readonly Recorded[], published: readonly Published[]): string {
  const all = rows.map((row) => [row, compare(row)] as const)
  const compared = all.flatMap(([, c]) => (c ? [c] : []))
  const exact = compared.filter((c) => c.exact).length
  const under = compared.filter((c) => c.predicted < c.recorded).length
  const [min, median, max] = spread(compared.map(ratioOf))
  return `# Accuracy

\`npm run pages\` writes this page from the rows in \`fixtures/\`; a test holds it.

## Recorded steps of PyTorch

Steps of transformers and PEFT under PyTorch's own autograd engine and optimizers, recorded storage by storage without a GPU
(\`fixtures/record/memory.py\`). Tier: live bytes. A row is _exact_ if every figure is equal to the byte: static bytes, each phase's peak and
end in the first and the steady step, gradients, optimizer state, and what autograd keeps. The ratio is predicted over recorded, of the
steady step's peak; _under_ counts predictions below the recorded peak. AdamW's step counters, 4 bytes a tensor, live on the host and are
left out of both; up to 4 bytes that AdamW makes on its way are not predicted.

**${rows.length} rows, ${compared.length} of modelled families: ${exact} exact. Ratio of the peaks: min ${min}, median ${median}, max ${max}; ${under} below.**

${byFamily(all)}

### Whole models

${byModel(compared)}

## Measured on a GPU, by others

Mistral-7B on one A100 with 80 GB, as fms-acceleration published it (\`fixtures/published/\`): the peak of torch's allocated bytes. Tier: allocated
bytes, a formula over the simulated live ones (blocks of 512 bytes, cuBLAS workspaces). Each row is predicted on the stack of its own
transformers, 4.45 or 4.48, with PEFT 0.13 and torch 2.13 (measured on 2.4.1), rows with foak's fused kernels with them. All
are within 0.01 %, nothing fitted. The versions differ: the flash attention of 4.45 keeps keys and values repeated for all query heads, and its head hands
out float32 logits alone.

${byMeasurement(published)}

## What the device showed

The same runs' peak in nvidia-smi, in MiB. _allocated_ is the peak of the replayed allocator over the measured one, _reserved_ what it keeps
once training has settled, with cached blocks given back where the device was full; _process_ adds what a context takes as others published
it ([allocators.md](allocators.md)). Its middle and high end stand over what nvidia-smi showed. Nothing was fitted to these rows. What
is missing at the high end is blocks that the real process cached and the replay did not, and libraries; it is not attributed here. Rows
with foak's kernels lie farther off, from 17 % under to 14 % over, though what torch had allocated is met.

${byDevice(published)}

On our own GPU: not measured yet.

## What others publish of themselves

Not measured here, and each on rows of its own choice.

${table(['tool', 'error of the peak', 'on'], RIVALS)}
`
}
