import type { Alive } from '../../planner/result/estimate.ts'
import { formatBytes } from '../../planner/trace/bytes.ts'
import { type Scale, TIMELINE } from '../charts/geometry.ts'
import { timelineChart } from '../charts/timeline.ts'
import { instantPanel, peakInstant } from '../page/instant.ts'
import type { Drawing, Element as PageElement } from '../page/markup.ts'
import { aliveRows, type MethodView } from '../view/method.ts'
import type { Instant } from '../view/timeline.ts'
import type { Charts } from './charts.ts'
import { patch } from './patch.ts'
import { makeSortable } from './sort.ts'

/** Lists what lives at a point of the trace; null where the page has no planner to ask. */
export type AliveAt = ((seq: number) => readonly Alive[]) | null

/** A timeline that a reader points into: with the mouse, or with the arrows, Home, End, and P for the peak. */
export class Instants {
  readonly #host: HTMLElement
  readonly #charts: Charts
  #method: MethodView
  #scale: Scale
  #aliveAt: AliveAt
  #at: number | null = null

  constructor(host: HTMLElement, charts: Charts, method: MethodView, scale: Scale, aliveAt: AliveAt) {
    this.#host = host
    this.#charts = charts
    this.#method = method
    this.#scale = scale
    this.#aliveAt = aliveAt
    host.tabIndex = 0
    host.setAttribute('role', 'slider')
    host.addEventListener('click', (event) => this.#choose(this.#nearest(event)))
    host.addEventListener('keydown', (event) => this.#key(event))
    this.update(method, scale, aliveAt)
  }

  /** Another prediction: its peak is shown. */
  update(method: MethodView, scale: Scale, aliveAt: AliveAt): void {
    this.#method = method
    this.#scale = scale
    this.#aliveAt = aliveAt
    this.#at = null
    this.#tell(this.#peak())
  }

  #peak(): number {
    const { points, peak } = this.#method.timeline
    return Math.max(
      0,
      points.findIndex((p) => p.x === peak?.x),
    )
  }

  #nearest(event: MouseEvent): number {
    const { timeline } = this.#method
    const box = this.#host.getBoundingClientRect()
    const { plot, left, right } = TIMELINE[box.width > 500 ? 'wide' : 'narrow']
    const x = ((event.clientX - box.left) / box.width) * (left + plot + right) - left
    const wanted = (x / plot) * timeline.end
    const perPixel = timeline.end / plot
    // the peak may be one event wide: a click near it means it
    if (timeline.peak !== null && Math.abs(timeline.peak.x - wanted) < 6 * perPixel) return this.#peak()
    return timeline.points.reduce(
      (best, p, i) => (Math.abs(p.x - wanted) < Math.abs(timeline.points[best]!.x - wanted) ? i : best),
      0,
    )
  }

  #key(event: KeyboardEvent): void {
    const last = this.#method.timeline.points.length - 1
    const now = this.#at ?? this.#peak()
    const to: Readonly<Record<string, number>> = {
      ArrowLeft: now - 1,
      ArrowDown: now - 1,
      ArrowRight: now + 1,
      ArrowUp: now + 1,
      PageDown: now - 10,
      PageUp: now + 10,
      Home: 0,
      End: last,
      p: this.#peak(),
      Escape: this.#peak(),
    }
    const chosen = to[event.key]
    if (chosen === undefined) return
    event.preventDefault()
    this.#choose(Math.min(last, Math.max(0, chosen)))
  }

  #choose(at: number): void {
    const point = this.#method.timeline.points[at]
    if (point === undefined) return
    this.#at = at === this.#peak() ? null : at
    this.#tell(at)
    const chosen = this.#at === null ? null : point.x
    const { timeline } = this.#method
    const drawing: Drawing = {
      id: this.#host.dataset.chart ?? '',
      label: this.#host.getAttribute('aria-label') ?? '',
      describedBy: '',
      chart: (size) => timelineChart(timeline, this.#scale, size, chosen),
    }
    this.#charts.draw(this.#host, drawing)
    this.#list(point)
  }

  #tell(at: number): void {
    const { points } = this.#method.timeline
    this.#host.setAttribute('aria-valuemin', '0')
    this.#host.setAttribute('aria-valuemax', String(Math.max(0, points.length - 1)))
    this.#host.setAttribute('aria-valuenow', String(at))
    const point = points[at]
    if (point !== undefined)
      this.#host.setAttribute('aria-valuetext', `${this.#words(point)}, ${formatBytes(point.bytes)}`)
  }

  #words({ x }: Instant): string {
    const { phases, end } = this.#method.timeline
    const { phase } = phases.find((p) => x <= p.to) ?? { phase: 'step' }
    return `${phase}, event ${x} of ${end}`
  }

  /** The list under the timeline, for the instant. */
  #list(point: Instant): void {
    const m = this.#method
    const list = document.getElementById(`${m.id}-instant`)
    if (!(list instanceof HTMLDetailsElement)) return
    const alive = this.#at === null ? null : (this.#aliveAt?.(m.timeline.start + point.x) ?? null)
    const shown =
      this.#at === null
        ? peakInstant(m)
        : { what: this.#words(point), bytes: point.bytes, parts: point.parts, alive: alive && aliveRows(alive) }
    // the panel is one element
    const [panel] = instantPanel(m, shown).nodes as readonly [PageElement]
    list.open = true
    patch(list, panel.children, { draw: this.#charts.draw, opened: makeSortable })
    makeSortable(list)
  }
}
