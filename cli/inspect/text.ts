import type {
  InspectBody,
  InspectFinding,
  InspectTerm,
  InspectTier,
  LeakFinding,
  MeasuredSource,
  SettingFinding,
  UnexplainedFinding,
} from '../../planner/result/inspect.ts'
import type { Page } from '../output/estimate.ts'
import { type HeaderFacts, headerParts } from '../output/header.ts'
import { instant, methodName } from '../output/names.ts'
import { grouped, plural } from '../output/numbers.ts'
import { table } from '../output/table.ts'
import { wrap, wrapParts } from '../output/wrap.ts'

const MOST_TERMS = 8
const MOST_BLOCKS = 10
const MOST_FRAMES = 6

const SOURCES: Readonly<Record<MeasuredSource['kind'], string>> = {
  'torch-snapshot': 'PyTorch snapshot',
  'tidemark-trace': 'trace',
  'trainer-metrics': "Trainer's metrics",
  'nvidia-smi': 'log of nvidia-smi',
  figure: 'figure',
}

/** A run beside its plan for people: what makes the difference first, then tier by tier, then size by size. */
export function inspectText(body: InspectBody, about: HeaderFacts, page: Page): string {
  const { width } = page
  const parts = headerParts(about)
  parts.splice(1, 0, methodName(about.setting.method))
  const sections = [
    [['plan', ...parts], sourceParts(body)].map((line) => wrapParts(line, width, '  ')).join('\n'),
    wrap(answer(body, page), width, '  '),
    ...body.findings.map((f) => finding(f, page)),
    tiers(body, page),
    allocator(body, page),
    blocks(body, page),
  ]
  return sections.filter((s) => s !== '').join('\n\n')
}

function sourceParts({ source, peak }: InspectBody): string[] {
  const { kind, path, device, events, runtime } = source
  return [
    'run',
    `${SOURCES[kind]} ${path}`,
    runtime ?? '',
    device === null ? '' : `device ${device}`,
    events === 0 ? '' : plural(events, 'event'),
    peak.measured ? `peak at ${instant(peak.measured.phase, peak.measured.scope, peak.measured.at)}` : '',
  ].filter((p) => p !== '')
}

function answer({ within, findings, tiers: rows }: InspectBody, { paint }: Page): string {
  const compared = rows.filter((t) => t.verdict !== 'unattributed')
  if (compared.length === 0) return 'the plan predicts no figure for what was measured'
  if (within) return paint.green(`✓ ${compared.map((t) => t.tier).join(', ')} as planned, within the tolerance`)
  if (findings.some((f) => f.kind === 'leak')) return paint.red('✗ the run leaks: every step leaves tensors behind')
  const off = compared.filter((t) => t.verdict === 'outside').map((t) => t.tier)
  return paint.red(`✗ ${off.join(', ')} outside the tolerance`)
}

function finding(found: InspectFinding, page: Page): string {
  switch (found.kind) {
    case 'leak':
      return leak(found, page)
    case 'setting':
      return setting(found, page)
    case 'unexplained':
      return wrap(unexplained(found, page), page.width, '  ')
  }
}

function leak(
  { bytes, each_step, steps, count, scope, at, frames }: LeakFinding,
  { bytes: show, width }: Page,
): string {
  const tensors = each_step === 1 ? `a tensor of ${show(bytes)}` : `${each_step} tensors of ${show(bytes)}`
  const place = [scope, at].filter((p) => p !== '').join(' · ') || 'a place without a recorded stack'
  const head = `${tensors} (${grouped(bytes)} B) more each step: leak at ${place}`
  const grown = `seen in ${plural(steps, 'step')}; ${plural(count, 'tensor')} so far, ${show(bytes * count)}`
  return [wrap(head, width, '  '), item(grown, width), ...frames.slice(0, MOST_FRAMES).map((f) => item(f, width))].join(
    '\n',
  )
}

function setting({ changes, terms, difference_bytes, left_bytes }: SettingFinding, page: Page): string {
  const { bytes, width } = page
  const says = changes.map((c) => c.says).join('; ')
  const flags = changes.map((c) => `--${c.lever.replaceAll('_', '-')}`).join(', ')
  const whole = bytes(difference_bytes)
  const share = left_bytes === 0 ? `all ${whole}` : `${bytes(difference_bytes - left_bytes)} of ${whole}`
  const shown = terms.slice(0, MOST_TERMS)
  const more = terms.length - shown.length
  return [
    wrap(`${says} (${flags} of the plan): this accounts for ${share} that differ`, width, '  '),
    ...shown.map((t) => item(`${term(t, page)}: ${says}`, width)),
    ...(more > 0 ? [item(`and ${plural(more, 'more term')}; --json has all`, width)] : []),
  ].join('\n')
}

const item = (text: string, width: number): string => `  ${wrap(text, width - 2, '    ')}`

/** `your run keeps X of q_proj (4·b·t·h, 32 tensors, 4.3 GiB)` */
function term({ name, scope, op, category, monomial, bytes, count }: InspectTerm, page: Page): string {
  const many = Math.abs(count)
  const what = name || `${category} ${instant('', scope, op)}`
  const size = `${monomial}, ${plural(many, 'tensor')}, ${page.bytes(bytes * many)}`
  const verb = count < 0 ? 'lacks' : category === 'activation' ? 'keeps' : 'has'
  return `your run ${verb} ${what} (${size})`
}

function unexplained({ bytes, count, at }: UnexplainedFinding, page: Page): string {
  const many = Math.abs(count)
  const place = at.length === 0 ? 'no stack was recorded' : at.join('; ')
  const size = `${plural(many, 'storage')} of ${page.bytes(bytes)} (${grouped(bytes)} B)`
  return count > 0 ? `your run has ${size} more than planned: ${place}` : `your run lacks ${size}: ${place}`
}

function tiers({ tiers: rows, workspaces }: InspectBody, page: Page): string {
  const { bytes, width, paint } = page
  const columns = [
    { head: 'tier', align: 'left' },
    { head: 'predicted', align: 'right' },
    { head: 'measured', align: 'right' },
    { head: '', align: 'left' },
  ] as const
  const cells = rows.map((t) => [
    t.tier,
    t.predicted_bytes === null ? '' : bytes(t.predicted_bytes),
    bytes(t.measured_bytes),
    verdict(t, page),
  ])
  const notes = [
    ...rows.map((t) => `${t.tier}: ${t.basis}`),
    ...workspaces.map((w) => `beside all tensors: ${w.count} × ${w.name}, ${bytes(w.bytes)} each`),
  ]
  return [table(columns, cells, width), ...notes.map((n) => paint.dim(wrap(n, width, '  ')))].join('\n')
}

function verdict({ verdict: kind, ratio, low_bytes, high_bytes }: InspectTier, { paint, bytes }: Page): string {
  if (kind === 'unattributed' || low_bytes === null || high_bytes === null) return paint.dim('nothing predicted')
  const off = ratio === null ? '' : `${ratio >= 1 ? '+' : '−'}${Math.abs(100 * (ratio - 1)).toFixed(2)} %`
  if (kind === 'within') return paint.green(`✓ ${off}`)
  return paint.red(`✗ ${off}, expected ${bytes(low_bytes)} to ${bytes(high_bytes)}`)
}

function allocator({ allocator: replayed }: InspectBody, { bytes, width }: Page): string {
  if (!replayed) return ''
  const { requests, elsewhere, reserved_peak_bytes: reserved, under } = replayed
  const where =
    elsewhere === 0
      ? 'every block where the device put it'
      : `${plural(elsewhere, 'block')} not where the device put it`
  const replay = `PyTorch's allocator, replayed on the run's ${plural(requests, 'request')}: ${where}, ${bytes(reserved)} reserved.`
  const others = under.map(({ alloc_conf, reserved_peak_bytes: other }) => {
    const change = other < reserved ? `${bytes(reserved - other)} less` : `${bytes(other - reserved)} more`
    return `With PYTORCH_CUDA_ALLOC_CONF=${alloc_conf} the same requests reserve ${bytes(other)}${other === reserved ? ', as much' : `, ${change}`}.`
  })
  return wrap([replay, ...others].join(' '), width, '  ')
}

function blocks({ blocks: rows }: InspectBody, page: Page): string {
  if (rows.length === 0) return ''
  const { bytes, width, paint } = page
  const columns = [
    { head: 'of size', align: 'right' },
    { head: 'run', align: 'right' },
    { head: 'plan', align: 'right' },
    { head: 'what', align: 'left' },
  ] as const
  const cells = rows
    .slice(0, MOST_BLOCKS)
    .map((b) => [
      bytes(b.bytes),
      b.measured === b.predicted ? grouped(b.measured) : paint.red(grouped(b.measured)),
      grouped(b.predicted),
      b.names[0] ?? '',
    ])
  return [paint.dim('storages alive at the peak, by size'), table(columns, cells, width)].join('\n')
}
