import { formatBytes } from '../../planner/trace/bytes.ts'
import { sharedScale } from '../charts/geometry.ts'
import { changesIn, hashWith } from '../hash.ts'
import { sectionsOf } from '../page/sections.ts'
import { type ReportResult, type ReportView, viewOf } from '../view-model.ts'
import type { Changes, WhatIf } from '../whatif.ts'
import type { Charts } from './charts.ts'
import { Instants } from './instants.ts'
import { buildPanel } from './panel.ts'
import { patch } from './patch.ts'
import { makeSortable } from './sort.ts'

/** Milliseconds without a change after which the allocator is replayed: it takes longer than a glance. */
const QUIET = 250

/** One result of the page: what it shows, and what it shows if something were changed. */
export class Article {
  readonly #root: HTMLElement
  readonly #index: number
  readonly #charts: Charts
  readonly #whatIf: WhatIf | null
  readonly #panel: ReturnType<typeof buildPanel> | null
  readonly #instants = new Map<string, Instants>()
  readonly #written: ReportView
  #changes: Changes = {}
  #waiting: ReturnType<typeof setTimeout> | undefined
  /** What the page holds now. */
  result: ReportResult
  view: ReportView
  /** Called when the page shows another result than before. */
  changed: () => void = () => {}

  constructor(root: HTMLElement, index: number, result: ReportResult, charts: Charts, whatIf: WhatIf | null) {
    this.#root = root
    this.#index = index
    this.#charts = charts
    this.#whatIf = whatIf
    this.result = result
    this.#written = viewOf(result, index)
    this.view = this.#written
    const { view } = this
    const place = document.getElementById(`${view.id}what-if`)
    this.#panel =
      whatIf === null || place === null
        ? null
        : buildPanel(place, view.id, whatIf.controls, {
            changed: (changes) => this.#change(changes),
            copyLink: () => void navigator.clipboard?.writeText(location.href),
          })
    makeSortable(root)
    this.#pointInto(view)
    this.#panel?.say(this.#summary(view), [])
    this.followAddress()
  }

  /** Takes the changes from the page's address: on load, and when a reader goes back. */
  followAddress(): void {
    if (this.#whatIf === null || this.#panel === null) return
    const changes = changesIn(location.hash, this.#whatIf.controls, this.#prefix())
    if (sameChanges(changes, this.#changes)) return
    this.#panel.show(changes)
    this.#change(changes)
  }

  #prefix = (): string => (this.#index === 0 ? '' : `r${this.#index}-`)

  #change(changes: Changes): void {
    if (this.#whatIf === null) return
    const began = performance.now()
    this.#changes = changes
    const hash = hashWith(location.hash, this.#whatIf.controls, changes, this.#prefix())
    history.replaceState(null, '', hash === '' ? location.pathname + location.search : hash)
    const planned = this.#recompute('live')
    this.#root.dataset.milliseconds = `${planned.toFixed(1)} ${(performance.now() - began).toFixed(1)}`
    clearTimeout(this.#waiting)
    this.#root.setAttribute('aria-busy', 'true')
    this.#waiting = setTimeout(() => {
      this.#recompute('device')
      this.#root.removeAttribute('aria-busy')
    }, QUIET)
  }

  /** Asks the planner and shows what it says. @returns the planner's milliseconds */
  #recompute(depth: 'live' | 'device'): number {
    if (this.#whatIf === null) return 0
    const began = performance.now()
    const recomputed = this.#whatIf.recompute(this.#changes, depth)
    const planned = performance.now() - began
    this.#root.classList.toggle('refused', !recomputed.ok)
    if (!recomputed.ok) {
      this.#panel?.say('cannot be predicted', recomputed.problems)
      return planned
    }
    this.result = recomputed.result
    // measured figures and the matrix are of the setting as written, whatever is asked
    const { proofs, proofBars, environment, matrix } = this.#written
    this.view = { ...viewOf(recomputed.result, this.#index), proofs, proofBars, environment, matrix }
    this.#show(this.view)
    this.#panel?.say(this.#summary(this.view), [])
    this.changed()
    return planned
  }

  #show(view: ReportView): void {
    patch(this.#root, sectionsOf(view).nodes, { draw: this.#charts.draw, opened: makeSortable })
    makeSortable(this.#root)
    this.#pointInto(view)
  }

  #pointInto(view: ReportView): void {
    const scale = sharedScale(view.methods.map((m) => m.timeline.peak?.bytes ?? 0))
    view.methods.forEach((m, i) => {
      const whatIf = this.#whatIf
      const aliveAt = whatIf === null ? null : (seq: number) => whatIf.aliveAt(this.#changes, i, seq)
      const host = this.#root.querySelector<HTMLElement>(`[data-chart="${m.id}-timeline"]`)
      const known = this.#instants.get(m.id)
      if (known !== undefined) known.update(m, scale, aliveAt)
      else if (host !== null) this.#instants.set(m.id, new Instants(host, this.#charts, m, scale, aliveAt))
    })
  }

  #summary = ({ methods }: ReportView): string =>
    methods
      .map(
        (m) => `${m.name} ${formatBytes(m.peak.bytes)}${m.fit === null ? '' : m.fit.fits ? ' fits' : ' does not fit'}`,
      )
      .join(' · ')
}

const sameChanges = (a: Changes, b: Changes): boolean =>
  JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort())
