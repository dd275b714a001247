import type { EstimateBody } from '../../planner/result/estimate.ts'
import { PHASES } from '../../planner/trace/event.ts'
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
  const indent = width < 60 ? 2 : LABEL
  const head = padEnd(label, LABEL)
  const wrapped = wrap(`${head}${text}`, width, ' '.repeat(indent))
  return label === '' ? wrapped : paint.dim(label) + wrapped.slice(label.length)
}

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
  const answer = fit.fits ? paint.green('fits') : paint.red('does not fit')
  const margin = fit.margin_bytes >= 0 ? `${bytes(fit.margin_bytes)} left` : `${bytes(-fit.margin_bytes)} too much`
  return [line('fit', `${answer} ${fit.gpu} (${bytes(fit.capacity_bytes)}): ${margin}; ${fit.verdict}`, page)]
}

function tierLines({ tiers }: EstimateBody, page: Page): string[] {
  const { bytes } = page
  const parts = [
    `live ${bytes(tiers.live)} (simulated)`,
    ...(tiers.allocated ? [`allocated ${bytes(tiers.allocated.bytes)} (${tiers.allocated.basis})`] : []),
    tiers.reserved === null ? 'reserved: not modelled yet' : `reserved ${bytes(tiers.reserved)}`,
    tiers.process === null
      ? 'process: not modelled yet'
      : `process ${bytes(tiers.process.bytes)} (${bytes(tiers.process.low)} to ${bytes(tiers.process.high)}; ${tiers.process.basis})`,
  ]
  return [line('tiers', parts.join(' · '), page)]
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
