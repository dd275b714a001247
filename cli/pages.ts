import { readFileSync } from 'node:fs'
import type { Reportable } from '../reports/index.ts'
import type { Setup } from './whatif/setup.ts'

/** A result for a page, and what the page needs to ask the planner again; null where it cannot. */
export interface PageResult {
  readonly result: Reportable
  readonly setup: Setup | null
}

/** One page of one or several results, with the planner inside where a result can be asked again. */
export async function renderPage(results: readonly PageResult[]): Promise<string> {
  const { renderHtml } = await import('../reports/index.ts')
  const setups = results.map((r) => r.setup)
  const planner = setups.some((s) => s !== null) ? [script('planner')] : []
  return renderHtml(
    results.map((r) => r.result),
    { setups, scripts: [...planner, script('page')] },
  )
}

/** A script that build/bundle.mjs made, from the bundle as from the compiled file. */
const script = (name: string): string => readFileSync(new URL(`../bin/page/${name}.js`, import.meta.url), 'utf8')
