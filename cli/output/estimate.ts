import type { EstimateBody, Fit } from '../../planner/result/estimate.ts'
import { PHASES } from '../../planner/trace/event.ts'
import { rankName } from '../../reports/view/ranks.ts'
import { bar, blocks, partsOf } from './bar.ts'
import type { Paint } from './colour.ts'
import { type HeaderFacts, headerParts } from './header.ts'
import { instant, methodName } from './names.ts'
import { type Bytes, grouped, plural, share } from './numbers.ts'
import { drawTimeline } from './timeline.ts'
import { padEnd, padStart, wrap, wrapParts } from './wrap.ts'

export interface Page {
  readonly paint: Paint
  readonly width: number
  readonly bytes: Bytes
}

const LABEL = 10

/** An estimate for people: the answer first, then where it comes from. */
export function estimateText(body: EstimateBody, about: HeaderFacts, page: Page): string {
  const { paint, bytes, width } = page
  const { peak } = body
  const parts = headerParts(about)
  parts.splice(1, 0, methodName(about.setting.method))
  const lines = [
    wrapParts(parts, width, '  '),
    '',
    line('peak', `${paint.bold(bytes(peak.bytes))}  ${instant(peak.phase, peak.scope, peak.op)}`, page),
    ...rankLines(body, page),
    ...partLines(body, page),
    line('saved', `${bytes(body.saved_bytes)}  kept from forward to backward, in ${storages(body)}`, page),
    line('trainable', trainable(body), page),
    ...PHASES.map((phase) => {
      const { peak_bytes, end_bytes } = body.step[phase]
      return line(phase, `peak ${bytes(peak_bytes)}, end ${bytes(end_bytes)}`, page)
    }),
    line('law', body.law.expression, page),
    line('', `${grouped(Math.round(body.law.per_token_bytes))} bytes a token`, page),
    ...fitLines(body, page),
    ...tierLines(body, page),
    '',
    ...timelineLines(body, page),
  ]
  return lines.join('\n')
}

const line = (label: string, text: string, { width, paint }: Page): string => {
  const indent = ' '.repeat(width < 60 ? 2 : LABEL)
  if (label === '') return indent + wrap(text, width - indent.length, indent)
  const wrapped = wrap(`${padEnd(label, LABEL)}${text}`, width, indent)
  return paint.dim(label) + wrapped.slice(label.length)
}

/** Whose peak it is, and what no tier counts. */
function rankLines({ ranks, peak }: EstimateBody, page: Page): string[] {
  if (!ranks) return []
  const { gpus, strategy, worst, least, stages, looked_at: seen, not_counted } = ranks
  const less = peak.bytes - least.peak_bytes
  const others = less === 0 ? 'every rank alike' : `${rankName(ranks, least.rank)} holds ${page.bytes(less)} less`
  const looked = seen === undefined ? '' : ` of ${seen} looked at`
  return [
    line('', `per rank, of ${gpus}, ${strategy}; worst ${rankName(ranks, worst)}${looked}, ${others}`, page),
    ...(stages ? [line('', `stages ${stages.map((s) => stageWords(s, page)).join(', ')}`, page)] : []),
    ...not_counted.map(({ what, low_bytes: low, high_bytes: high, basis }) => {
      const size = low === null || high === null ? 'unknown' : `${page.bytes(low)} to ${page.bytes(high)}`
      return line('', `not counted: ${what}: ${size}, ${basis}`, page)
    }),
  ]
}

type Stage = NonNullable<NonNullable<EstimateBody['ranks']>['stages']>[number]

/** `0: 8 layers 17.47 GiB` */
const stageWords = ({ stage, layers, peak_bytes }: Stage, { bytes }: Page): string =>
  `${stage}: ${plural(layers, 'layer')} ${bytes(peak_bytes)}`

function partLines(body: EstimateBody, { paint, width, bytes }: Page): string[] {
  const { parts, bytes: whole } = body.peak
  const rows = partsOf(parts)
  const label = Math.max(...rows.map((r) => r.label.length))
  const size = Math.max(...rows.map((r) => bytes(r.bytes).length))
  return [
    `  ${bar(parts, Math.max(10, Math.min(60, width - 4)), paint)}`,
    ...rows.map((r) => {
      const figures = `${padStart(bytes(r.bytes), size)}  ${padStart(share(r.bytes, whole), 5)}`
      return `  ${blocks(r.group, 1, paint)} ${padEnd(r.label, label)}  ${figures}`
    }),
  ]
}

const storages = (body: EstimateBody): string =>
  plural(
    body.saved.reduce((n, s) => n + s.count, 0),
    'tensor',
  )

function trainable({ parameters }: EstimateBody): string {
  const { total, trainable: n, trainable_tensors } = parameters
  return `${grouped(n)} of ${grouped(total)} parameters (${((100 * n) / total).toFixed(2)} %), ${plural(trainable_tensors, 'tensor')}`
}

function fitLines({ fit }: EstimateBody, page: Page): string[] {
  if (fit === null) return []
  const { paint, bytes } = page
  const margin = fit.margin_bytes >= 0 ? `${bytes(fit.margin_bytes)} left` : `${bytes(-fit.margin_bytes)} too much`
  const needs = fit.needs_bytes === undefined ? '' : `needs ${bytes(fit.needs_bytes)}, `
  const answer = fit.fits ? paint.green('fits') : paint.red('does not fit')
  const where = fit.out_of_memory
    ? [line('', `out of memory for ${bytes(fit.out_of_memory.bytes)} ${instantOf(fit.out_of_memory)}`, page)]
    : []
  return [
    line('fit', `${answer} ${fit.gpu} (${bytes(fit.capacity_bytes)}): ${needs}${margin}`, page),
    ...(fit.verdict === 'does not fit' ? [] : [line('', fit.verdict, page)]),
    ...where,
  ]
}

const instantOf = ({ phase, scope, op }: NonNullable<Fit['out_of_memory']>): string =>
  phase === 'static' ? 'as the model is loaded' : `in ${instant(phase, scope, op)}`

/** From what tensors hold to what the device shows, and what each figure is. */
function tierLines({ tiers }: EstimateBody, page: Page): string[] {
  const { bytes } = page
  const { live, allocated, reserved, process } = tiers
  const rows: (readonly [string, string, string])[] = [['live', bytes(live), 'simulated']]
  if (allocated) rows.push(['allocated', bytes(allocated.bytes), `simulated: ${allocated.basis}`])
  if (reserved !== null) rows.push(['reserved', bytes(reserved), "simulated: PyTorch's allocator replayed"])
  if (process) {
    rows.push([
      'process',
      `${bytes(process.low)} to ${bytes(process.high)}`,
      `simulated, and a published ${process.basis}`,
    ])
  }
  return rows.map(([tier, size, basis], i) =>
    line(i === 0 ? 'tiers' : '', `${padEnd(tier, 9)}  ${size}  ${basis}`, page),
  )
}

function timelineLines(body: EstimateBody, { paint, width, bytes }: Page): string[] {
  const columns = Math.max(10, Math.min(96, width - 2))
  const drawn = drawTimeline(body.timeline, { width: columns, rows: 5, top: body.peak.bytes })
  return [
    paint.dim('live bytes through the step'),
    ...drawn.lines.map((l) => `  ${paint.cyan(l.trimEnd())}`.trimEnd()),
    `  ${paint.dim(drawn.axis)}`,
    `  ${placed(drawn.mark, bytes(body.peak.bytes), columns)}`,
  ]
}

/** The mark of the peak with its size beside it, on the side where there is room. */
export function placed(mark: string, label: string, columns: number): string {
  if (mark.length + 1 + label.length <= columns) return `${mark} ${label}`
  return `${' '.repeat(Math.max(0, mark.length - label.length - 2))}${label} ▲`
}
