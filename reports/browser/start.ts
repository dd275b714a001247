import { renderCsv } from '../export/csv.ts'
import { overview } from '../page/overview.ts'
import { isStep, type Reportable } from '../view-model.ts'
import type { WhatIf } from '../whatif.ts'
import { chartPng, chartSvg, copy, download, textFile } from './actions.ts'
import { Article } from './article.ts'
import { Charts, type Specs } from './charts.ts'
import { patch } from './patch.ts'
import { makeSortable } from './sort.ts'
import { StillArticle } from './still-article.ts'

/** What the page's data say; the page wrote them itself. */
interface PageData {
  readonly results: readonly Reportable[]
  /** By result; null where nothing can be asked again. */
  readonly setups: readonly unknown[]
  readonly specs: Specs
}

/** An article of the page by its element. */
interface Shown {
  readonly root: HTMLElement
  readonly article: Article | StillArticle
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
  const shown = results.flatMap((result, index): Shown[] => {
    const root = document.getElementById(`article-${index}`)
    if (root === null) return []
    if (!isStep(result)) return [{ root, article: new StillArticle(root, result) }]
    const setup = setups[index] ?? null
    const whatIf = planner === undefined || setup === null ? null : planner.createWhatIf(setup)
    return [{ root, article: new Article(root, index, result, charts, whatIf) }]
  })
  const articles = shown.flatMap(({ article }) => (article instanceof Article ? [article] : []))
  const side = document.getElementById('overview')
  for (const article of articles) {
    article.changed = () => {
      if (side === null) return
      patch(side, overview(articles.map((a) => a.view)).nodes, { draw: charts.draw, opened: makeSortable })
    }
  }
  addEventListener('hashchange', () => {
    for (const article of articles) article.followAddress()
  })
  document.addEventListener('click', (event) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-do]') : null
    const article = shown.find(({ root }) => button !== null && root.contains(button))?.article
    if (button !== null && article !== undefined) void act(button, article.result)
  })
}

async function act(button: HTMLElement, result: Reportable): Promise<void> {
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
