import { renderCsv } from '../export/csv.ts'
import { overview } from '../page/overview.ts'
import type { ReportResult } from '../view-model.ts'
import type { WhatIf } from '../whatif.ts'
import { chartPng, chartSvg, copy, download, textFile } from './actions.ts'
import { Article } from './article.ts'
import { Charts, type Specs } from './charts.ts'
import { patch } from './patch.ts'
import { makeSortable } from './sort.ts'

/** What the page's data say; the page wrote them itself. */
interface PageData {
  readonly results: readonly ReportResult[]
  /** By result; null where nothing can be asked again. */
  readonly setups: readonly unknown[]
  readonly specs: Specs
}

/** The planner's own script, if the page has one, has put this here. */
interface Planner {
  createWhatIf(setup: unknown): WhatIf
}

const read = (id: string): unknown => JSON.parse(document.getElementById(id)?.textContent ?? 'null')

function start(): void {
  const { results, setups, specs } = read('data') as PageData
  const planner = Reflect.get(globalThis, 'tidemark') as Planner | undefined
  document.documentElement.classList.add('script')
  const charts = new Charts(specs)
  const articles = results.flatMap((result, index) => {
    const root = document.getElementById(`article-${index}`)
    const setup = setups[index] ?? null
    const whatIf = planner === undefined || setup === null ? null : planner.createWhatIf(setup)
    return root === null ? [] : [[root, new Article(root, index, result, charts, whatIf)] as const]
  })
  const side = document.getElementById('overview')
  for (const [, article] of articles) {
    article.changed = () => {
      if (side === null) return
      const views = articles.map(([, a]) => a.view)
      patch(side, overview(views).nodes, { draw: charts.draw, opened: makeSortable })
    }
  }
  addEventListener('hashchange', () => {
    for (const [, article] of articles) article.followAddress()
  })
  document.addEventListener('click', (event) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-do]') : null
    const article = articles.find(([root]) => button !== null && root.contains(button))?.[1]
    if (button !== null && article !== undefined) void act(button, article)
  })
}

async function act(button: HTMLElement, { result }: Article): Promise<void> {
  const name = `tidemark-${result.input.model.name.replaceAll(/[^\w.-]+/g, '-')}`
  const chart = button.closest('figure')?.querySelector<HTMLElement>('.chart') ?? null
  switch (button.dataset.do) {
    case 'json':
      return download(`${name}.json`, textFile(`${JSON.stringify(result)}\n`, 'application/json'))
    case 'csv':
      return download(`${name}.csv`, textFile(renderCsv(result), 'text/csv'))
    case 'svg': {
      const svg = chart && chartSvg(chart)
      return svg ? download(`${name}.svg`, textFile(svg.text, 'image/svg+xml')) : undefined
    }
    case 'png': {
      const png = chart && (await chartPng(chart))
      return png ? download(`${name}.png`, png) : undefined
    }
    case 'copy': {
      const text = document.getElementById(button.dataset.of ?? '')?.textContent ?? ''
      const before = button.textContent
      button.textContent = (await copy(text)) ? 'copied' : 'not copied'
      setTimeout(() => {
        button.textContent = before
      }, 1500)
    }
  }
}

start()
