import { parse, type Spec, View } from 'vega'
import { expressionInterpreter } from 'vega-interpreter'
import type { Chart } from '../charts/chart.ts'
import { fillView } from '../charts/fill.ts'
import type { Drawing } from '../page/markup.ts'

/** Compiled specifications by kind and size, as the page carries them. */
export type Specs = Readonly<Record<string, Spec>>

interface Shown {
  drawing: Drawing
  size: Chart['size'] | null
  view: View | null
  near: boolean
  stale: boolean
  /** Vega is at work on it: what comes meanwhile waits. */
  busy: boolean
}

/** A phone's width, as in the style; paper is never narrow. */
const NARROW = 'screen and (max-width: 700px)'

/** Milliseconds without a change after which what is out of sight is drawn. */
const QUIET = 80

/** Draws charts with Vega: at once where the reader is, those out of sight when there is nothing else to do. */
export class Charts {
  readonly #specs: Specs
  readonly #shown = new Map<HTMLElement, Shown>()
  readonly #narrow = matchMedia(NARROW)
  readonly #observer = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: '300px' })

  #waiting: ReturnType<typeof setTimeout> | undefined

  constructor(specs: Specs) {
    this.#specs = specs
    this.#narrow.addEventListener('change', () => this.#drawAgain(false))
    addEventListener('beforeprint', () => this.#drawAgain(true))
  }

  /** Shows the chart in its element, now or when it comes near. */
  readonly draw = (host: HTMLElement, drawing: Drawing): void => {
    const shown = this.#shown.get(host)
    if (shown !== undefined) {
      shown.drawing = drawing
      shown.stale = true
      if (shown.near) this.#render(host, shown)
      else this.#later()
      return
    }
    this.#later()
    this.#shown.set(host, { drawing, size: null, view: null, near: false, stale: true, busy: false })
    this.#observer.observe(host)
  }

  /** A reader may print, or search, what was never in sight. */
  #later(): void {
    clearTimeout(this.#waiting)
    this.#waiting = setTimeout(() => {
      const next = [...this.#shown].find(([, shown]) => shown.stale)
      if (next === undefined) return
      this.#render(...next)
      this.#later()
    }, QUIET)
  }

  #seen(entries: readonly IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      if (!(target instanceof HTMLElement)) continue
      const shown = this.#shown.get(target)
      if (shown === undefined) continue
      shown.near = isIntersecting
      if (isIntersecting && shown.stale) this.#render(target, shown)
    }
  }

  #drawAgain(all: boolean): void {
    for (const [host, shown] of this.#shown) {
      shown.stale = true
      if (all || shown.near) this.#render(host, shown)
    }
    this.#later()
  }

  #render(host: HTMLElement, shown: Shown): void {
    if (!host.isConnected) {
      shown.view?.finalize()
      this.#shown.delete(host)
      this.#observer.unobserve(host)
      return
    }
    if (!shown.busy) void this.#drawNow(host, shown)
  }

  /** Draws until what is drawn is what was last asked for. */
  async #drawNow(host: HTMLElement, shown: Shown): Promise<void> {
    shown.busy = true
    try {
      while (shown.stale) {
        shown.stale = false
        const { drawing } = shown
        const size = this.#narrow.matches ? 'narrow' : 'wide'
        const chart = drawing.chart(size)
        if (shown.size !== size || shown.view === null) {
          shown.view?.finalize()
          shown.view = this.#viewIn(host, chart)
          shown.size = size
        }
        host.setAttribute('aria-label', drawing.label)
        fillView(shown.view, chart)
        await shown.view.runAsync()
      }
    } finally {
      shown.busy = false
    }
  }

  #viewIn(host: HTMLElement, { kind, size }: Chart): View {
    const spec = this.#specs[`${kind}:${size}`]
    if (spec === undefined) throw new RangeError(`no specification of ${kind} ${size}`)
    // the host keeps its own role and words: Vega writes its own on what it draws into
    const container = document.createElement('div')
    container.setAttribute('aria-hidden', 'true')
    host.replaceChildren(container)
    const runtime = parse(spec, undefined, { ast: true })
    return new View(runtime, { expr: expressionInterpreter, renderer: 'svg', container, hover: false })
  }
}
