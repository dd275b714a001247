import type { TraceEvent } from '../planner/trace/event.ts'
import type { ReportResult } from '../reports/index.ts'

/** Formats of a saved result, with the ending of their files. */
export const RESULT_FORMATS = ['html', 'md', 'csv', 'svg'] as const
export type ResultFormat = (typeof RESULT_FORMATS)[number]

/** Writes a result in a format. The charts are loaded only when something is written. */
export async function renderResult(result: ReportResult, format: ResultFormat): Promise<string> {
  const reports = await import('../reports/index.ts')
  switch (format) {
    case 'html':
      return reports.renderHtml(result)
    case 'md':
      return reports.renderMarkdown(result)
    case 'csv':
      return reports.renderCsv(result)
    case 'svg':
      return reports.renderSvg(result)
  }
}

/** A trace for Perfetto or chrome://tracing. */
export async function renderChromeTrace(events: Iterable<TraceEvent>, name: string): Promise<string> {
  const reports = await import('../reports/index.ts')
  return reports.renderChromeTrace(events, name)
}
