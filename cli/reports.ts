import type { ReportResult } from '../reports/index.ts'

/** Writes a result as one offline HTML page. The charts are loaded only when a page is written. */
export async function renderHtml(result: ReportResult): Promise<string> {
  const reports = await import('../reports/index.ts')
  return reports.renderHtml(result)
}
